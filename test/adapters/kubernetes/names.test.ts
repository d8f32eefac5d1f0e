// Names and quantities that Kubernetes accepts, and tenants that never meet in one namespace.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { labelValue, namespaceOf } from "../../../shared/adapters/pools/kubernetes/names.ts";
import {
  byteQuantity,
  cpuQuantity,
  parseQuantity,
} from "../../../shared/adapters/pools/kubernetes/quantity.ts";

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const LABEL_VALUE = /^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$/;

describe("labelValue", () => {
  test("is valid for any text, and the text itself where it can be", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(labelValue(text)).toMatch(LABEL_VALUE);
      }),
    );
    expect(labelValue("linux-aarch64-a2-1")).toBe("linux-aarch64-a2-1");
    expect(labelValue("")).toBe("");
  });

  test("two texts never become one value", () => {
    expect(labelValue("a/b")).not.toBe(labelValue("a:b"));
    expect(labelValue("-a")).not.toBe(labelValue("a-"));
  });
});

describe("namespaceOf", () => {
  const who = { owner: "Acme", repository: "Tools", tenant: "123" };

  test("fills in what is known, in lower case", () => {
    expect(namespaceOf("fixed", who)).toBe("fixed");
    expect(namespaceOf("npu-{owner}", who)).toBe("npu-acme");
    expect(namespaceOf("{owner}--{repository}", who)).toBe("acme--tools");
    expect(namespaceOf("npu-{tenant}", who)).toBe("npu-123");
    expect(namespaceOf("npu-{owner}", { tenant: "123" })).toBeUndefined();
  });

  test.each(["kube-system", "Default", "volcano-system", "openshift-operators", "kube-x"])(
    "a tenant called %s does not get the cluster's own namespace",
    (owner) => {
      const name = namespaceOf("{owner}", { owner, tenant: "1" });
      expect(name).toMatch(new RegExp(`^${owner.toLowerCase()}--[0-9a-f]{10}$`));
      const [first = "", ...rest] = owner.split("-");
      const split = { owner: first, repository: rest.join("-"), tenant: "1" };
      if (rest.length > 0) expect(namespaceOf("{owner}-{repository}", split)).toBe(name);
      // What the operator writes is the operator's.
      expect(namespaceOf(owner.toLowerCase(), who)).toBe(owner.toLowerCase());
    },
  );

  test("is a valid name for any owner and repository", () => {
    const text = fc.string({ unit: "binary", maxLength: 120 });
    fc.assert(
      fc.property(text, text, (owner, repository) => {
        expect(namespaceOf("{owner}--{repository}", { owner, repository, tenant: "1" })).toMatch(DNS_LABEL);
        expect(namespaceOf("npu-{owner}", { owner, tenant: "1" })).toMatch(DNS_LABEL);
      }),
    );
  });

  test("two repositories never share a namespace", () => {
    const login = fc.stringMatching(/^[a-zA-Z0-9]+([-_][a-zA-Z0-9]+){0,2}$/, { maxLength: 45 });
    const repository = fc.stringMatching(/^[\w.-]{1,60}$/);
    const pair = fc.tuple(login, repository);
    const of = ([owner, name]: [string, string]) =>
      namespaceOf("{owner}--{repository}", { owner, repository: name, tenant: "1" });
    fc.assert(
      fc.property(pair, pair, (one, other) => {
        const same = one.join("/").toLowerCase() === other.join("/").toLowerCase();
        expect(of(one) === of(other)).toBe(same);
      }),
    );
    expect(of(["a", "b-c"])).not.toBe(of(["a-b", "c"]));
    expect(of(["a_b", "c"])).not.toBe(of(["a-b", "c"]));
  });

  test("nobody can choose a name that is another's with a hash", () => {
    const hashed = namespaceOf("npu-{owner}", { owner: "a_b", tenant: "1" }) ?? "";
    const owner = hashed.replace("npu-", "");
    expect(namespaceOf("npu-{owner}", { owner, tenant: "2" })).not.toBe(hashed);
  });
});

describe("quantities", () => {
  test.each([
    ["500m", 0.5],
    ["23", 23],
    ["1.5", 1.5],
    ["64Gi", 64 * 2 ** 30],
    ["1e3", 1_000],
    ["5k", 5_000],
    [".5Mi", 2 ** 19],
  ])("%s is %d", (text, value) => expect(parseQuantity(text)).toBe(value));

  test.each(["", "-1", "1 Gi", "Gi", "1gb", "1e"])("%j is none", (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });

  test("what is written is read again, never less", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 50 }), fc.integer({ min: 1, max: 1e9 }), (bytes, milli) => {
        expect(parseQuantity(byteQuantity(bytes))).toBe(bytes);
        expect(parseQuantity(cpuQuantity(milli / 1_000))).toBeCloseTo(milli / 1_000, 6);
      }),
    );
    expect(cpuQuantity(0.0004)).toBe("1m");
    expect(byteQuantity(1.5)).toBe("2");
  });
});
