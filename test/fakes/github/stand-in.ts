// A GitHub for tests and the demo: App, installations, runners, workflow jobs and webhook on one local port.
import { generateKeyPairSync } from "node:crypto";
import { type Change, createAnnounce } from "./announce.ts";
import { createAppAuth } from "./app-auth.ts";
import { type AssignmentLimits, createAssignment } from "./assignment.ts";
import { createDeliveries, type Delivery, type DeliveryFaults } from "./deliveries.ts";
import { apiRoutes, type ClientCall, unknownPath } from "./endpoints/api.ts";
import { appEndpoints } from "./endpoints/app-endpoints.ts";
import { startHttpServer } from "./endpoints/http-server.ts";
import { jobEndpoints } from "./endpoints/job-endpoints.ts";
import { runnerEndpoints } from "./endpoints/runner-endpoints.ts";
import { runnerPlane } from "./endpoints/runner-plane.ts";
import { createWorldControls, type WorldControls } from "./endpoints/world-controls.ts";
import { createFaultInjection, type FaultInjection } from "./fault-injection.ts";
import { createLimits, type LimitOptions } from "./limits.ts";
import { createRegistrations } from "./registrations.ts";
import { seeded } from "./seeded.ts";
import { createWorkflowJobs } from "./workflow-jobs.ts";
import { createWorld, secret } from "./world.ts";

export type GithubStandInOptions = Partial<AssignmentLimits & LimitOptions> & {
  /** The stand-in's clock, epoch ms; Date.now otherwise. Whether a runner's process lives is real time all the same. */
  readonly now?: () => number;
  readonly seed?: number;
  readonly port?: number;
  /** A second use of one JWT for a token gets 404, as reported of GitHub. */
  readonly rejectRepeatedJwt?: boolean;
  /** How far the `busy` flag of runners is behind. */
  readonly busyLagMs?: number;
  readonly deliveryTimeoutMs?: number;
  readonly minimumRunnerVersion?: string;
  readonly faults?: DeliveryFaults;
  /** A key of its own; the stand-ins of one test file share one otherwise, as making it takes about 100 ms. */
  readonly ownKey?: boolean;
};

export type GithubStandIn = WorldControls &
  Pick<FaultInjection, "failNext"> & {
    /** API base URL and web URL in one; `${apiUrl}/<org>` is what config.sh gets as --url. */
    readonly apiUrl: string;
    readonly appId: number;
    /** PEM, PKCS#1, as GitHub gives it. */
    readonly privateKey: string;
    readonly webhookSecret: string;
    /** Good for every owner, with the scopes repo and admin:org; by config.sh --pat too. */
    readonly personalAccessToken: string;
    /** Every call to the public API, oldest first. */
    readonly clientCalls: readonly ClientCall[];
    setWebhook(url: string | undefined): void;
    setFaults(faults: DeliveryFaults): void;
    /** The App's delivery log, newest first. */
    deliveries(): readonly Delivery[];
    /** Resolves when every delivery made so far has been answered or lost. */
    deliveriesIdle(): Promise<void>;
    /** Applies passed time limits at once; otherwise that happens every 100 ms of real time. */
    sweep(): void;
    /** @returns a function that ends the listening. */
    onChange(listener: (change: Change) => void): () => void;
    stop(): Promise<void>;
  };

const SWEEP_MS = 100;
const APP_ID = 417_020;

export async function startGithubStandIn(options: GithubStandInOptions = {}): Promise<GithubStandIn> {
  const now = options.now ?? Date.now;
  const fraction = seeded(options.seed ?? 1);
  const keys = options.ownKey ? makeKeys() : sharedKeys();
  const webhookSecret = secret(24);
  const clientCalls: ClientCall[] = [];
  let apiUrl = "";
  const webUrl = () => apiUrl;

  const world = createWorld(now);
  const personalAccessToken = world.addPersonalToken(undefined, ["repo", "admin:org"]);
  const timeoutMs = options.deliveryTimeoutMs ?? 10_000;
  const onDelivered = (delivery: Delivery) => announce.delivery(delivery);
  const deliveries = createDeliveries({
    appId: APP_ID,
    secret: webhookSecret,
    now,
    fraction,
    timeoutMs,
    onDelivered,
  });
  deliveries.setFaults(options.faults ?? {});
  const announce = createAnnounce({ deliveries, webUrl, now });
  const onWaiting = () => assignment.match();
  const jobs = createWorkflowJobs({ world, now, announce, onWaiting });
  const assignment = createAssignment({
    world,
    now,
    fraction,
    jobs,
    announce,
    limits: assignmentLimits(options),
  });
  const limits = createLimits(limitOptions(options), now);
  const auth = createAppAuth({
    world,
    appId: APP_ID,
    publicKey: keys.publicKey,
    now,
    rejectRepeatedJwt: options.rejectRepeatedJwt ?? false,
  });
  const { removeRunner } = assignment;
  const registrations = createRegistrations({
    world,
    now,
    limits,
    webUrl,
    removeRunner,
    onRegistered: (runner) => announce.runner(runner, "registered"),
  });
  const faults = createFaultInjection();
  const busyLagMs = () => options.busyLagMs ?? 0;
  const apiDeps = {
    world,
    auth,
    limits,
    faults,
    now,
    record: (call: ClientCall) => void clientCalls.push(call),
  };
  const endpoints = [
    ...appEndpoints({ world, appId: APP_ID, auth, limits, deliveries, webUrl }),
    ...runnerEndpoints({ world, now, registrations, removeRunner, busyLagMs, webUrl }),
    ...jobEndpoints({ world, jobs, webUrl }),
  ];
  const minimumRunnerVersion = options.minimumRunnerVersion ?? "2.329.0";
  const plane = runnerPlane({
    world,
    now,
    registrations,
    jobs,
    assignment,
    announce,
    webUrl,
    minimumRunnerVersion,
  });
  const server = await startHttpServer(
    [...plane, ...apiRoutes(apiDeps, endpoints)],
    (request) => unknownPath(apiDeps, request),
    options.port,
    now,
  );
  apiUrl = `http://127.0.0.1:${server.port}`;
  const sweeping = setInterval(() => assignment.sweep(), SWEEP_MS);
  sweeping.unref();

  return {
    ...createWorldControls({ world, now, jobs, assignment, announce, deliveries, busyLagMs }),
    apiUrl,
    appId: APP_ID,
    privateKey: keys.privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
    webhookSecret,
    personalAccessToken,
    clientCalls,
    failNext: faults.failNext,
    setWebhook: deliveries.setWebhook,
    setFaults: deliveries.setFaults,
    deliveries: deliveries.log,
    deliveriesIdle: deliveries.idle,
    sweep: assignment.sweep,
    onChange: announce.listen,
    async stop() {
      clearInterval(sweeping);
      assignment.stop();
      await deliveries.stop();
      await server.stop();
    },
  };
}

let shared: ReturnType<typeof makeKeys> | undefined;

function sharedKeys() {
  shared ??= makeKeys();
  return shared;
}

function makeKeys() {
  return generateKeyPairSync("rsa", { modulusLength: 2048 });
}

function assignmentLimits(options: GithubStandInOptions): AssignmentLimits {
  return {
    pickupMs: options.pickupMs ?? 60_000,
    assignmentDelayMs: options.assignmentDelayMs ?? 0,
    lostMs: options.lostMs ?? 600_000,
    cancelMs: options.cancelMs ?? 300_000,
  };
}

function limitOptions(options: GithubStandInOptions): LimitOptions {
  return {
    callsPerHour: options.callsPerHour ?? 5_000,
    pointsPerMinute: options.pointsPerMinute ?? 900,
    registrationsPer5Min: options.registrationsPer5Min ?? 1_500,
  };
}
