// The demo's dispatcher as four functions under Lambda's rules, over DynamoDB.
import type { Config } from "../../shared/config/config.ts";
import { findRic } from "../../test/fakes/lambda/find-ric.ts";
import { startCloudWorld } from "../../test/fakes/lambda/world.ts";
import { DEMO_ORG } from "./run.ts";
import type { DemoWorld } from "./world.ts";

export async function startDemoCloud(
  config: Config,
  options: { readonly log: (line: string) => void },
): Promise<DemoWorld> {
  const world = await startCloudWorld({ seed: 1, config, organization: DEMO_ORG, ric: findRic() });
  const { github, stores, pool, cloud, runtime } = world;
  return {
    github,
    stores,
    pool,
    summary() {
      const functions = Object.entries(cloud.stats().functions).map(
        ([name, { invocations, coldStarts, deadConnections, deadWrites }]) =>
          `${name}: ${invocations} calls, ${coldStarts} cold starts; ${deadConnections} connections died in freezes, ${deadWrites} of them were used`,
      );
      const { batches, repeats } = cloud.stats().stream;
      return ["", `run by ${runtime}`, ...functions, `stream: ${batches} batches, ${repeats} of them twice`];
    },
    async close() {
      for (const line of world.log) options.log(line);
      await world.stop();
    },
  };
}
