// `npm run demo`: the seed guide's workflow, end to end on this machine, without any account.
//
// A stand-in for GitHub queues a workflow job and sends the signed delivery; the dispatcher starts a worker as a real
// process; a stand-in for actions/runner registers, runs the job's step in a shell, and is removed.
import { stopForComplaint } from "./complaint.ts";
import { demoOptions } from "./demo/options.ts";

const options = demoOptions();
const { performDemo } = await import("./demo/perform.ts");
const { ok } = await performDemo(options).catch(stopForComplaint);
process.exitCode = ok ? 0 : 1;
