// config.sh: registers the runner, or removes it, with the refusals of the real one.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { readFaults, versionOf } from "./faults.mjs";
import { call, wait } from "./server.mjs";
import { openServiceCache } from "./service-cache.mjs";
import { isConfigured, loadSettings, removeSettings, saveSettings } from "./settings.mjs";
import { writeError, writeLine, writeSection, writeSuccess } from "./terminal.mjs";

const SUCCESS = 0;
const TERMINATED_ERROR = 1;
const LONGEST_LABEL = 256;
const KEPT_IN_DOT_ENV = ["LANG", "JAVA_HOME", "LD_LIBRARY_PATH", "PERL5LIB"];
const STATUS_NAMES = { 401: "Unauthorized", 403: "Forbidden", 404: "NotFound" };

export async function configure(root, inputs) {
  const faults = readFaults(root);
  await wait(faults.ms("slow-config"));
  try {
    await register(root, inputs, faults);
    writeDotFiles(root);
    writeServiceScript(root);
    writeSection("Runner settings");
    writeLine();
    writeSuccess("Settings Saved.");
    writeLine();
    return SUCCESS;
  } catch (error) {
    writeError(error.message);
    return TERMINATED_ERROR;
  }
}

export async function remove(root, inputs) {
  writeSection("Runner removal");
  try {
    if (isConfigured(root) && !inputs.flag("local")) await removeFromServer(root, inputs);
    else if (!inputs.flag("local"))
      writeLine(
        "Cannot connect to server, because config files are missing. Skipping removing runner from the server.",
      );
    removeSettings(root);
    writeLine();
    return SUCCESS;
  } catch (error) {
    writeError("Failed: Removing runner from the server");
    writeError(error.message);
    return TERMINATED_ERROR;
  }
}

async function register(root, inputs, faults) {
  if (isConfigured(root))
    throw new Error(
      "Cannot configure the runner because it is already configured. To reconfigure the runner, run 'config.cmd remove' or './config.sh remove' first.",
    );
  writeSection("Authentication");
  const url = new URL(required(inputs, "url"));
  const token = inputs.value("pat") ?? required(inputs, "token");
  const name = inputs.value("name") ?? hostname();
  const body = {
    path: url.pathname,
    token,
    name,
    group: inputs.value("runnergroup"),
    labels: labelsOf(inputs),
    defaultLabels: !inputs.flag("no-default-labels"),
    replace: inputs.flag("replace"),
    ephemeral: inputs.flag("ephemeral"),
    workFolder: inputs.value("work") ?? "_work",
    version: versionOf(faults),
  };
  await openServiceCache();
  if (faults.has("config-fails")) throw new Error("The runner stand-in was told to fail its configuration.");
  const answer = await call(url.origin, "POST", "/_stand-in/register", { body });
  refuseUnlessConnected(url, answer);
  writeLine();
  writeSuccess("Connected to GitHub");
  writeSection("Runner Registration");
  refuseUnlessRegistered(name, answer);
  writeLine();
  writeSuccess(answer.body.replaced ? "Successfully replaced the runner" : "Runner successfully added");
  saveSettings(root, answer.body.files);
  writeSuccess("Runner connection is good");
}

function refuseUnlessConnected(url, { status, body }) {
  if (![401, 403, 404].includes(status)) return;
  if (/is deprecated/.test(body.message)) throw new Error(body.message);
  const name = STATUS_NAMES[status];
  writeError(
    `Http response code: ${name} from 'POST ${url.origin}/actions/runner-registration' (Request Id: C0DE:1F2E)`,
  );
  writeError(JSON.stringify(body));
  const spaced = name.replace(/([a-z])([A-Z])/, "$1 $2");
  throw new Error(`Response status code does not indicate success: ${status} (${spaced}).`);
}

function refuseUnlessRegistered(name, { status, body }) {
  if (status === 409) {
    writeLine("A runner exists with the same name");
    throw new Error(`A runner exists with the same name ${name}.`);
  }
  if (status !== 200) throw new Error(body.message ?? `The server answered ${status}.`);
}

function labelsOf(inputs) {
  const text = inputs.value("labels") ?? "";
  // Not trimmed: CommandSettings.cs:354-357 of actions/runner 258d6c857.
  const named = text.split(",").filter((label) => label !== "");
  if (inputs.flag("no-default-labels") && named.length === 0)
    throw new Error(
      "Disabling default labels via --no-default-labels without specifying --labels is not supported",
    );
  if (named.some((label) => label.length > LONGEST_LABEL)) throw invalid("labels");
  return named;
}

function required(inputs, name) {
  const value = inputs.value(name);
  if (value === undefined || value === "") throw invalid(name);
  return value;
}

function invalid(name) {
  return new Error(`Invalid configuration provided for ${name}. Terminating unattended configuration.`);
}

async function removeFromServer(root, inputs) {
  const settings = loadSettings(root);
  const url = new URL(settings.gitHubUrl);
  const token = inputs.value("pat") ?? required(inputs, "token");
  const body = { path: url.pathname, token, runnerId: settings.agentId };
  refuseUnlessConnected(url, await call(url.origin, "POST", "/_stand-in/remove", { body }));
  writeLine();
  writeSuccess("Runner removed successfully");
}

/** Written in place, whatever is there: SystemdControlManager.cs:28-41 of actions/runner 258d6c857. */
function writeServiceScript(root) {
  writeFileSync(join(root, "svc.sh"), `#!/bin/bash\n# service of ${root}\n`);
}

/** The real one keeps the PATH and some variables for later starts. */
function writeDotFiles(root) {
  writeFileSync(join(root, ".path"), `${process.env.PATH ?? ""}\n`);
  const file = join(root, ".env");
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  const added = KEPT_IN_DOT_ENV.filter((name) => process.env[name] && !before.includes(`${name}=`));
  writeFileSync(file, before + added.map((name) => `${name}=${process.env[name]}\n`).join(""));
}
