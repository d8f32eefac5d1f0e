// The runner's container hook. The runner runs this file, with its own Node 20, instead of docker: once before a job with
// `container:` or `services:` (prepare_job), for each of its steps (run_script_step, run_container_step) and at its end
// (cleanup_job), with one JSON document on stdin:
// https://github.com/actions/runner/blob/main/docs/adrs/1891-container-hooks.md
//
// A worker is a container already and has no daemon to start another. The steps run in it, where the operator has said
// that its image is equal to the job's; a job with another image fails before its first step.
// @ts-check
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { endRunner, outliveSignals } from "./end-runner.js";

/**
 * @typedef {{ readonly sourceVolumePath: string, readonly targetVolumePath: string }} Mount
 * @typedef {{ readonly [name: string]: string | null }} Variables
 * @typedef {{
 *   readonly image: string,
 *   readonly createOptions?: string | null,
 *   readonly environmentVariables?: Variables | null,
 *   readonly portMappings?: readonly string[] | null,
 *   readonly systemMountVolumes?: readonly Mount[] | null,
 *   readonly userMountVolumes?: readonly Mount[] | null,
 * }} Container
 * @typedef {{ readonly container?: Container | null, readonly services?: readonly { readonly image: string }[] | null }} JobArgs
 * @typedef {{
 *   readonly entryPoint: string,
 *   readonly entryPointArgs?: readonly string[] | null,
 *   readonly environmentVariables?: Variables | null,
 *   readonly prependPath?: readonly string[] | null,
 *   readonly workingDirectory: string,
 * }} StepArgs
 * @typedef {{ readonly image?: string | null, readonly dockerfile?: string | null }} ActionArgs
 * @typedef {readonly [inside: string, real: string]} PathPair
 * @typedef {{ readonly environment: Variables, readonly paths: readonly PathPair[] }} State
 */

/** So that the runner, which shows the error, is not the one to be asked. */
class Refusal extends Error {}

const { env } = process;
/** @type {import("./hooks.ts").HookSettings["containers"]} */
const settings = JSON.parse(
  readFileSync(join(dirname(fileURLToPath(import.meta.url)), "settings.json"), "utf8"),
).containers;
process.exitCode = await main();

/** @returns {Promise<number>} */
async function main() {
  const { command, responseFile, args, state } = JSON.parse(await text(process.stdin));
  try {
    // Awaited here, for its refusals to be caught.
    if (command === "run_script_step") return await runStep(args, state);
    respond(responseFile, answerTo(command, args));
    return 0;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    announce("error title=Container", error.message);
    // Before its first step the job is refused as a whole; a step of it fails for itself. Where the runner cannot be told
    // to end, steps of a job with container: fail one by one, since nothing was prepared for them.
    if (command === "prepare_job") {
      outliveSignals(() => undefined);
      await endRunner();
    }
    return 1;
  }
}

/**
 * @param {string} command
 * @param {any} args
 */
function answerTo(command, args) {
  if (command === "prepare_job") return prepareJob(args);
  if (command === "run_container_step") return refuseAction(args);
  // Nothing was started that would have to be stopped.
  if (command === "cleanup_job") return {};
  throw new Refusal(`This worker's container hook does not know ${command}: the runner is newer than it.`);
}

/** @param {JobArgs} args */
function prepareJob({ container, services }) {
  const [service] = services ?? [];
  if (service !== undefined) {
    throw new Refusal(
      `This worker cannot start services (${service.image}): it is a container itself and has no Docker daemon. Start the program in a step, or run this job on a hosted runner.`,
    );
  }
  if (!container) return {};
  checkImage(container.image);
  warnOfIgnored(container);
  process.stdout.write(`Steps run in the worker's own container, which stands for ${container.image}.\n`);
  return { state: stateOf(container), isAlpine: existsSync("/etc/alpine-release") };
}

/** @param {string} image */
function checkImage(image) {
  if (new RegExp(settings.source).test(image)) return;
  const line = `containerImages: ${JSON.stringify([...settings.images, image])}`;
  throw new Refusal(
    [
      `This worker runs the steps of a job in its own container, and it is not known to be equal to ${image}, which container: of this job names.`,
      `If it has all that the job needs, let the operator write this line for ${settings.endpoint ?? "its endpoint"} under endpoints: in dispatch.yaml:`,
      `    ${line}`,
      "Otherwise remove container: from the job, or choose another label in runs-on.",
    ].join("\n"),
  );
}

/**
 * What docker would have done and this worker cannot: it has been started already.
 * @param {Container} container
 */
function warnOfIgnored({ createOptions, portMappings, userMountVolumes }) {
  if (createOptions) warn(`container.options has no effect here: ${createOptions}`);
  if (portMappings?.length) warn(`container.ports has no effect here: ${portMappings.join(", ")}`);
  for (const { sourceVolumePath: source, targetVolumePath: target } of userMountVolumes ?? []) {
    // Drivers, caches: often mounted where they are.
    if (source === target && existsSync(target)) continue;
    warn(
      `container.volumes has no effect here: ${source}:${target}. The pool mounts volumes into its workers.`,
    );
  }
}

/**
 * @param {Container} container
 * @returns {State}
 */
function stateOf({ environmentVariables, systemMountVolumes }) {
  const { HOME: _home, ...environment } = environmentVariables ?? {};
  const paths = (systemMountVolumes ?? [])
    .filter(({ sourceVolumePath: real, targetVolumePath: inside }) => inside && real && inside !== real)
    .map(
      ({ sourceVolumePath, targetVolumePath }) => /** @type {const} */ ([targetVolumePath, sourceVolumePath]),
    )
    // /__w/_temp before /__w.
    .sort(([one], [other]) => other.length - one.length);
  // The runner asks for /github/home. GitHub's own hook for Kubernetes keeps the image's home as well: login shells and
  // caches of Ascend's images rely on it.
  return { environment, paths };
}

/** @param {ActionArgs} args */
function refuseAction({ image, dockerfile }) {
  const what = dockerfile ? `builds ${dockerfile}` : `runs in ${image}`;
  throw new Refusal(
    `This worker cannot run an action that ${what}: it is a container itself and has no Docker daemon. Use an action in JavaScript or a composite one, or run this step on a hosted runner.`,
  );
}

/**
 * @param {StepArgs} args
 * @param {State | null | undefined} state
 * @returns {Promise<number>} its exit code
 */
async function runStep(args, state) {
  if (!state?.paths) throw new Refusal("The runner asked for a step of a job that was not prepared.");
  const real = (/** @type {string} */ path) => toReal(path, state.paths);
  const cwd = real(args.workingDirectory);
  if (!existsSync(cwd))
    throw new Refusal(`There is no folder ${args.workingDirectory}, the working-directory of this step.`);
  const program = real(args.entryPoint);
  // A shell's template with two spaces in a row is split into empty words.
  const words = (args.entryPointArgs ?? []).filter((word) => word !== "").map(real);
  return await new Promise((resolve, reject) => {
    const child = spawn(program, words, {
      cwd,
      env: stepEnvironment(args, state, real),
      stdio: ["ignore", "inherit", "inherit"],
    });
    // A cancelled job interrupts this process alone.
    for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"]))
      process.on(signal, () => child.kill(signal));
    child.once("error", (error) => reject(new Refusal(`${program} could not be started: ${error.message}.`)));
    child.once("exit", (code, signal) => resolve(code ?? 128 + (signal ? constants.signals[signal] : 0)));
  });
}

/**
 * @param {StepArgs} args
 * @param {State} state
 * @param {(text: string) => string} real
 */
function stepEnvironment({ environmentVariables, prependPath }, { environment }, real) {
  const given = { ...environment, ...environmentVariables };
  const step = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, real(value ?? "")]));
  const paths = [...(prependPath ?? []).map(real), step["PATH"] || env["PATH"]];
  return { ...env, ...step, PATH: paths.filter(Boolean).join(":") };
}

/**
 * The runner writes paths as they would be in a container of docker's; here they are where they are.
 * @param {string} value
 * @param {readonly PathPair[]} paths
 */
function toReal(value, paths) {
  const pair = paths.find(([inside]) => value === inside || value.startsWith(`${inside}/`));
  return pair ? pair[1] + value.slice(pair[0].length) : value;
}

/**
 * @param {string | null | undefined} file
 * @param {unknown} answer
 */
function respond(file, answer) {
  if (file) writeFileSync(file, JSON.stringify(answer));
}

/** @param {string} message */
function warn(message) {
  announce("warning title=Container", message);
}

/**
 * A line break would end the runner's command.
 * @param {string} name
 * @param {string} message
 */
function announce(name, message) {
  const line = message.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  process.stdout.write(`::${name}::${line}\n`);
}
