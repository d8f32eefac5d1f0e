import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Most of the time goes into waiting for real processes: more files at once than cores.
    maxWorkers: 4,
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
        test: {
          name: "unit",
          include: [
            "test/{domain,usecases,functions,worker,adapters,config,docs,parity,simulation}/**/*.test.ts",
          ],
          testTimeout: 40_000,
        },
      },
      {
        extends: true,
        test: { name: "contract", include: ["test/contract/**/*.test.ts"], testTimeout: 30_000 },
      },
      {
        extends: true,
        test: { name: "smoke", include: ["test/{smoke,e2e,image}/**/*.test.ts"], testTimeout: 90_000 },
      },
    ],
  },
});
