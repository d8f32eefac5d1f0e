// Jobs with `container:` or `services:`, and docker actions, by a container hook, as the real runner calls one: JSON on
// stdin, an answer in a file, paths as they would be in a container.
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runScript } from "./script.mjs";

const FAILED =
  "##[error]Executing the custom container implementation failed. Please contact your self hosted runner administrator.";

/** @param job with `container?: { image, env?, options?, volumes? }`, `services?: { image }[]` */
export function createContainers({ environment, report }, job, folders) {
  const hook = environment.ACTIONS_RUNNER_CONTAINER_HOOKS;
  const mounts = mountsOf(folders);
  let state = null;

  return {
    /** Whether the job has any. */
    wanted: job.container !== undefined || (job.services ?? []).length > 0,
    inside: job.container !== undefined,
    /** The first step: 0, or the exit code of a failure. */
    async prepare(cwd, interrupting) {
      // Without a hook the real one looks for docker.
      if (!hook) return missingDocker();
      const args = { container: containerOf(job.container), services: (job.services ?? []).map(serviceOf) };
      const { code, answer } = await call("prepare_job", args, cwd, interrupting);
      if (code === 0 && job.container && typeof answer?.isAlpine !== "boolean") {
        report.line("##[error]The property 'isAlpine' is required but was not found in the response file.");
        return 1;
      }
      return code;
    },
    /** A `run:` with `shell: bash`, or with a template of the job's own. */
    async step(file, cwd, interrupting) {
      const template = job.shell ?? "bash --noprofile --norc -e -o pipefail {0}";
      const [entryPoint, ...words] = template.replace("{0}", inside(file)).split(" ");
      const variables = Object.fromEntries(
        Object.entries(stepVariables()).map(([name, value]) => [name, inside(value)]),
      );
      const args = {
        entryPoint,
        entryPointArgs: words,
        environmentVariables: variables,
        prependPath: (job.prependPath ?? []).map(inside),
        workingDirectory: inside(join(cwd, job.workingDirectory ?? "")),
      };
      return (await call("run_script_step", args, cwd, interrupting)).code;
    },
    async action(image, cwd, interrupting) {
      if (!hook) return missingDocker();
      return (await call("run_container_step", { image, dockerfile: null }, cwd, interrupting)).code;
    },
    async cleanup(cwd, interrupting) {
      return hook ? (await call("cleanup_job", {}, cwd, interrupting)).code : 0;
    },
  };

  async function call(command, args, cwd, cancelling) {
    const answers = join(folders.temp, "_runner_hook_responses");
    mkdirSync(answers, { recursive: true });
    const responseFile = join(answers, `${randomUUID()}.json`);
    writeFileSync(responseFile, "");
    const input = JSON.stringify({ command, responseFile, args, state });
    const code = await runScript(["node", hook], {
      cwd,
      environment,
      cancelling,
      onLine: report.line,
      input,
    });
    const text = readFileSync(responseFile, "utf8");
    const answer = text === "" ? null : JSON.parse(text);
    rmSync(responseFile);
    if (answer?.state) state = answer.state;
    if (code !== 0 && command !== "run_script_step") report.line(FAILED);
    return { code, answer };
  }

  /** The runner names only what it or the workflow sets; the rest is the container's. */
  function stepVariables() {
    const names = Object.keys(environment).filter((name) => /^(?:GITHUB|RUNNER)_|^CI$/.test(name));
    return { ...Object.fromEntries(names.map((name) => [name, environment[name]])), ...job.env };
  }

  function inside(value) {
    const mount = mounts.find(({ sourceVolumePath: real }) => value === real || value.startsWith(`${real}/`));
    return mount ? mount.targetVolumePath + value.slice(mount.sourceVolumePath.length) : value;
  }

  function missingDocker() {
    report.line("##[error]docker: command not found");
    return 1;
  }

  function containerOf(container) {
    if (!container) return null;
    return {
      image: container.image,
      createOptions: container.options ?? null,
      environmentVariables: { ...container.env, HOME: "/github/home" },
      portMappings: [],
      registry: null,
      systemMountVolumes: [
        { sourceVolumePath: "/var/run/docker.sock", targetVolumePath: "/var/run/docker.sock" },
        ...mounts,
      ],
      userMountVolumes: (container.volumes ?? []).map((volume) => {
        const [sourceVolumePath, targetVolumePath = sourceVolumePath] = volume.split(":");
        return { sourceVolumePath, targetVolumePath, readOnly: false };
      }),
      workingDirectory: inside(folders.workspace),
    };
  }
}

function serviceOf({ image }, index) {
  return { contextName: `service-${index}`, image, environmentVariables: {}, portMappings: [] };
}

/** The runner tries the homes first, the work folder before what is in it. */
function mountsOf({ root, work, temp }) {
  const pairs = [
    [join(temp, "_github_workflow"), "/github/workflow"],
    [join(temp, "_github_home"), "/github/home"],
    [work, "/__w"],
    [join(root, "externals"), "/__e"],
  ];
  for (const [folder] of pairs) if (!existsSync(folder)) mkdirSync(folder, { recursive: true });
  return pairs.map(([sourceVolumePath, targetVolumePath]) => ({
    sourceVolumePath,
    targetVolumePath,
    readOnly: false,
  }));
}
