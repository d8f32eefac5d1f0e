// `./program` of a local pool's endpoint lies beside dispatch.yaml.
import { expect, test } from "vitest";
import { withCommandsFrom } from "../../../functions/serve/local-commands.ts";
import { parseConfig } from "../../../shared/config/parse.ts";

const CONFIG = `
pools:
  here: { driver: local, kind: cpu }
  box: { driver: docker, kind: npu, image: worker, host: unix:///run/docker.sock }
endpoints:
  - { name: beside, pool: here, startedBy: api, command: [python3, ./handler.py, --flag=./x, ../data, a/b] }
  - { name: image, pool: box, startedBy: api, command: [./handler.py] }
  - { name: runner, pool: here }
`;

test("from the folder of dispatch.yaml, also where the server was started elsewhere; in a container as it stands", () => {
  const parsed = parseConfig(CONFIG);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.faults));
  const { templates, endpoints } = withCommandsFrom("/etc/npu-dispatch", parsed.config);
  const expected = [
    ["python3", "/etc/npu-dispatch/handler.py", "--flag=./x", "/etc/data", "a/b"],
    ["./handler.py"],
    undefined,
  ];
  expect(templates.map(({ command }) => command)).toEqual(expected);
  expect(endpoints.map(({ command }) => command)).toEqual(expected);
});
