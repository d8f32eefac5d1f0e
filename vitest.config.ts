import { defineConfig } from "vitest/config";

/**
 * `npm run test:long`: what needs a container engine or two users, bundles everything, kills servers, or plays for long.
 */
const LONG = [
  "test/image/**/*.test.ts",
  "test/contract/docker-{builder,pool}.test.ts",
  "test/e2e/{container-jobs,faults,container-engine,restart,start-faults}.test.ts",
  "test/functions/lambda/cloud.test.ts",
  "test/simulation/fairness.test.ts",
  "test/smoke/package.test.ts",
  "test/usecases/reconcile/reconcile-crash.test.ts",
  "test/worker/hooks/{container-jobs,hostile-job}.test.ts",
  "test/worker/host/supervised.test.ts",
  "test/worker/kaniko/*.test.ts",
];

export default defineConfig({
  test: {
    // Most of the time goes into waiting for real processes: more files at once than cores.
    maxWorkers: 4,
    setupFiles: "test/property-seed.ts",
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    coverage: {
      provider: "v8",
      include: ["shared/**/*.ts", "functions/**/*.ts", "worker/**/*.ts"],
      exclude: ["shared/ports/**"],
      thresholds: { "shared/domain/**": { 100: true } },
    },
    projects: [
      {
        extends: true,
        test: { name: "long", include: LONG, testTimeout: 120_000 },
      },
      {
        extends: true,
        test: {
          name: "unit",
          exclude: LONG,
          include: [
            "test/{domain,usecases,functions,worker,adapters,config,docs,parity,simulation,stand-ins,layout}/**/*.test.ts",
          ],
          testTimeout: 40_000,
        },
      },
      {
        extends: true,
        test: {
          name: "contract",
          include: ["test/contract/**/*.test.ts"],
          exclude: LONG,
          testTimeout: 60_000,
        },
      },
      {
        extends: true,
        test: {
          name: "smoke",
          include: ["test/{smoke,e2e}/**/*.test.ts"],
          exclude: LONG,
          testTimeout: 90_000,
        },
      },
    ],
  },
});
