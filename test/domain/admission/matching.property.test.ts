// What holds for the choice of an endpoint whatever the labels are.
import fc from "fast-check";
import { expect, test } from "vitest";
import { runnerLabels } from "../../../shared/domain/admission/endpoint.ts";
import { covers, isGeneric, normalize } from "../../../shared/domain/admission/labels.ts";
import { resolveEndpoint } from "../../../shared/domain/admission/matching.ts";
import { labels, sameLabels } from "../arbitraries.ts";
import { aCatalogue } from "../builders.ts";

const catalogue = aCatalogue();

/** Half of the time labels that some endpoint serves, so that the interesting branch is met often. */
function jobLabels(): fc.Arbitrary<string[]> {
  const served = fc
    .constantFrom(...catalogue.endpoints)
    .chain((endpoint) =>
      fc.subarray(endpoint.labels as string[]).map((some) => [endpoint.selector, ...some]),
    );
  return fc.oneof(labels(), served);
}

test("the answer does not depend on order, case and repetition", () => {
  fc.assert(
    fc.property(sameLabels(jobLabels()), ([one, other]) => {
      expect(resolveEndpoint(other, catalogue)).toEqual(resolveEndpoint(one, catalogue));
    }),
  );
});

test("a match contains the selector, and the runner has every label of the job", () => {
  let matches = 0;
  fc.assert(
    fc.property(jobLabels(), (wanted) => {
      const resolution = resolveEndpoint(wanted, catalogue);
      if (resolution.type !== "endpoint") return;
      matches++;
      expect(wanted.map(normalize)).toContain(resolution.endpoint.selector);
      expect(covers(runnerLabels(resolution.endpoint), wanted)).toBe(true);
    }),
  );
  expect(matches).toBeGreaterThan(0);
});

test("labels that an endpoint's runners have, its selector among them, always match it", () => {
  const served = fc
    .constantFrom(...catalogue.endpoints)
    .chain((endpoint) => fc.tuple(fc.constant(endpoint), fc.subarray(endpoint.labels as string[])));
  fc.assert(
    fc.property(served, ([endpoint, some]) => {
      expect(resolveEndpoint([...some, endpoint.selector], catalogue)).toEqual({
        type: "endpoint",
        endpoint,
      });
    }),
  );
});

test("generic labels alone never start a worker, however they are combined", () => {
  const generic = fc.constantFrom(
    "self-hosted",
    "Linux",
    "arm64",
    "x64",
    "windows",
    "ubuntu-latest",
    "macos-15",
  );
  fc.assert(
    fc.property(fc.array(generic, { maxLength: 6 }), (wanted) => {
      expect(wanted.every(isGeneric)).toBe(true);
      expect(resolveEndpoint(wanted, catalogue).type).toBe("foreign");
    }),
  );
});

test("every refused count of a pattern names all offered ones", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 9_999 }), (count) => {
      const offered = [1, 2, 4, 8];
      const resolution = resolveEndpoint([`linux-aarch64-a2-${count}`], catalogue);
      if (offered.includes(count)) {
        expect(resolution.type).toBe("endpoint");
        return;
      }
      const reason = resolution.type === "near-miss" ? resolution.reason : "";
      expect(reason).toContain(`${count} cards are not offered`);
      for (const other of offered) expect(reason).toContain(`linux-aarch64-a2-${other}`);
    }),
  );
});
