// The operator plane's routes for the reference, and those that need no credential of ours.
import * as z from "zod/mini";
import {
  cardOrder,
  keyOrder,
  keysAnswer,
  newKeyAnswer,
  orderAnswer,
  pauseOrder,
  revokeOrder,
  stateAnswer,
} from "../../../shared/protocol/operator-plane.ts";
import type { ApiRoute, Named } from "../route.ts";
import { WEBHOOK_PATH } from "../webhook/app.ts";

const LOOK = [401, 404, 405, 429, 503] as const;
const ORDER = [400, ...LOOK, 409, 413] as const;
const done: Named = { name: "OrderAnswer", schema: orderAnswer };
const place: Named = { name: "PauseOrder", schema: pauseOrder };

const post = { plane: "operator", methods: ["POST"], answer: done, refusals: ORDER } as const;

const OPERATOR_ROUTES: readonly ApiRoute[] = [
  {
    plane: "operator",
    methods: ["GET"],
    path: "/admin/state",
    summary: "Pools with their cards and workers, who waits, and what is paused",
    answer: { name: "State", schema: stateAnswer },
    refusals: LOOK,
  },
  { ...post, path: "/admin/pause", summary: "Nothing new starts there; what runs goes on", body: place },
  { ...post, path: "/admin/drain", summary: "The same, and workers without a job end", body: place },
  { ...post, path: "/admin/resume", summary: "What waits there starts again", body: place },
  {
    ...post,
    path: "/admin/quarantine",
    summary: "A card is given to nobody, or to whoever is next again",
    body: { name: "CardOrder", schema: cardOrder },
  },
  {
    plane: "operator",
    methods: ["GET"],
    path: "/admin/keys",
    summary: "API keys by the first digits of their hashes, revoked ones too",
    answer: { name: "Keys", schema: keysAnswer },
    refusals: LOOK,
  },
  {
    ...post,
    path: "/admin/keys",
    summary: "Makes an API key and shows it this once",
    body: { name: "KeyOrder", schema: keyOrder },
    answer: { name: "NewKey", schema: newKeyAnswer },
  },
  {
    ...post,
    path: "/admin/keys/revoke",
    summary: "An API key opens nothing from then on",
    body: { name: "RevokeOrder", schema: revokeOrder },
  },
];

const received: Named = {
  name: "Received",
  schema: z.object({
    recorded: z.boolean(),
    reason: z.optional(z.string()),
    job: z.optional(z.string()),
    state: z.optional(z.string()),
  }),
};

const SERVER_ROUTES: readonly ApiRoute[] = [
  {
    plane: "server",
    methods: ["POST"],
    path: WEBHOOK_PATH,
    summary: "A delivery of GitHub's, signed with the App's webhook secret; 200 answers a ping",
    headers: ["X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256"].map((name) => ({
      name,
      description: "As GitHub sends it",
      schema: { type: "string" },
    })),
    body: { name: "Delivery", schema: z.looseObject({}) },
    answer: received,
    accepted: received,
    refusals: [400, 401, 408, 413, 503],
  },
  {
    plane: "server",
    methods: ["GET"],
    path: "/healthz",
    summary: "The process answers; of npm start only",
    answer: { name: "Alive", schema: z.object({ ok: z.boolean() }) },
    refusals: [],
  },
  {
    plane: "server",
    methods: ["GET"],
    path: "/openapi.json",
    summary: "This reference for programs",
    answer: { name: "Reference", schema: z.looseObject({ openapi: z.string() }) },
    refusals: [],
  },
  { plane: "server", methods: ["GET"], path: "/docs", summary: "This reference as a page", refusals: [] },
];

export const OTHER_ROUTES: readonly ApiRoute[] = [...OPERATOR_ROUTES, ...SERVER_ROUTES];
