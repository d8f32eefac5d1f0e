// Arguments from the command line and from ACTIONS_RUNNER_INPUT_*, which leave the environment once they are read.
import { writeError } from "./terminal.mjs";

const FLAGS = ["unattended", "no-default-labels", "replace", "disableupdate", "ephemeral", "once", "local"];
const VALUES = ["url", "token", "pat", "name", "runnergroup", "labels", "work", "jitconfig", "startuptype"];
const KNOWN_BY_RUN = ["once", "jitconfig", "startuptype"];
const PREFIX = "actions_runner_input_";

/**
 * @param {string} command configure, remove or run
 * @returns {{flag: (name: string) => boolean, value: (name: string) => string | undefined}}
 */
export function readInputs(command, args, environment) {
  const given = fromArguments(command, args);
  const inherited = takeFromEnvironment(environment);
  return {
    flag: (name) => given.has(name) || inherited.get(name)?.toLowerCase() === "true",
    value: (name) => given.get(name) ?? inherited.get(name),
  };
}

function fromArguments(command, args) {
  const given = new Map();
  const unknown = [];
  for (let index = 0; index < args.length; index += 1) {
    const name = args[index].replace(/^--/, "").toLowerCase();
    if (!isKnown(command, name)) unknown.push(args[index]);
    else if (FLAGS.includes(name)) given.set(name, "true");
    else {
      index += 1;
      given.set(name, args[index]?.trim());
    }
  }
  if (unknown.length > 0) {
    const list = unknown.map((each) => each.replace(/^--/, "")).join(", ");
    writeError(
      `Unrecognized command-line input arguments for command ${command}: '${list}'. For usage refer to: .\\config.cmd --help or ./config.sh --help`,
    );
  }
  return given;
}

function isKnown(command, name) {
  return command === "run" ? KNOWN_BY_RUN.includes(name) : FLAGS.includes(name) || VALUES.includes(name);
}

function takeFromEnvironment(environment) {
  const inherited = new Map();
  for (const [key, value] of Object.entries(environment)) {
    if (!key.toLowerCase().startsWith(PREFIX)) continue;
    delete environment[key];
    const name = key.slice(PREFIX.length).toLowerCase();
    inherited.set(FLAGS.find((flag) => flag.replaceAll("-", "_") === name) ?? name, value.trim());
  }
  return inherited;
}
