// Runs the GitHub stand-in by itself: prints how to reach it as one JSON line, then every change as one more.
import { parseArgs } from "node:util";
import { startGithubStandIn } from "./stand-in.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    org: { type: "string", default: "octo-org" },
    webhook: { type: "string" },
  },
});

const standIn = await startGithubStandIn({ port: Number(values.port) });
standIn.addOrganization(values.org);
standIn.setWebhook(values.webhook);
const { apiUrl, appId, privateKey, webhookSecret, personalAccessToken } = standIn;
print({ apiUrl, appId, privateKey, webhookSecret, personalAccessToken, org: values.org });
standIn.onChange(print);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void standIn.stop());

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
