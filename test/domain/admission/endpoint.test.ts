// A pattern stands for one endpoint per allowed card count.
import { describe, expect, test } from "vitest";
import { expandEndpoint, isPattern, runnerLabels } from "../../../shared/domain/admission/endpoint.ts";
import { anEndpoint, aTemplate } from "../builders.ts";

describe("a pattern", () => {
  test("becomes one endpoint per count, in their order", () => {
    const endpoints = expandEndpoint(aTemplate({ counts: [2, 8, 1] }));
    expect(endpoints.map(({ name, cards }) => [name, cards])).toEqual([
      ["linux-aarch64-a2-2", 2],
      ["linux-aarch64-a2-8", 8],
      ["linux-aarch64-a2-1", 1],
    ]);
  });

  test("fills the count into name, selector and labels, and remembers its template", () => {
    const template = aTemplate({
      name: "a2-{npus}",
      selector: "npu-a2-{npus}",
      labels: ["a2", "{npus}x-{npus}"],
      counts: [4],
    });
    expect(expandEndpoint(template)).toMatchObject([
      { name: "a2-4", selector: "npu-a2-4", labels: ["a2", "4x-4"], cards: 4, template: "a2-{npus}" },
    ]);
  });

  test("keeps its settings in each endpoint, without the counts", () => {
    const template = aTemplate({ startedBy: "api", registration: "jit", command: ["/work"] });
    for (const endpoint of expandEndpoint(template)) {
      const { pool, limits, startedBy, registration, command } = template;
      expect(endpoint).toMatchObject({ pool, limits, startedBy, registration, command });
      expect(endpoint).not.toHaveProperty("counts");
    }
  });

  test("without counts is no endpoint", () => {
    expect(expandEndpoint(aTemplate({ counts: [] }))).toEqual([]);
  });
});

describe("a fixed name", () => {
  const fixed = aTemplate({ name: "npu-1", selector: "npu-1", cards: 2, counts: [] });

  test("is one endpoint with its own cards", () => {
    expect(isPattern(fixed)).toBe(false);
    expect(isPattern(aTemplate())).toBe(true);
    expect(expandEndpoint(fixed)).toMatchObject([{ name: "npu-1", cards: 2 }]);
  });

  test("has no cards unless it says so", () => {
    expect(expandEndpoint({ ...fixed, cards: undefined })).toMatchObject([{ cards: 0 }]);
  });
});

test("a runner carries the selector first, and once", () => {
  const endpoint = anEndpoint({ selector: "a2", labels: ["linux", "a2", "npu"] });
  expect(runnerLabels(endpoint)).toEqual(["a2", "linux", "npu"]);
});

test("the default labels are named for a runner that has them: a just-in-time one gets only what is sent", () => {
  const endpoint = anEndpoint({ selector: "a2", labels: ["linux"], defaultLabels: true });
  expect(runnerLabels(endpoint)).toEqual(["a2", "linux", "self-hosted"]);
});

test("the architecture's is among the default labels where it is known", () => {
  const endpoint = anEndpoint({ selector: "a2", labels: ["arm64"], architecture: "ARM64" });
  expect(runnerLabels(endpoint)).toEqual(["a2", "arm64"]);
  const labels = runnerLabels({ ...endpoint, labels: [], defaultLabels: true });
  expect(labels).toEqual(["a2", "self-hosted", "linux", "ARM64"]);
  expect(runnerLabels({ ...endpoint, defaultLabels: true })).toEqual(["a2", "arm64", "self-hosted", "linux"]);
});
