import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import {
  apiPathOf,
  ownerOf,
  parseScope,
  pathOf,
  repositoryOf,
  scopeOf,
} from "../../shared/domain/runner-scope.ts";
import { siteUrl } from "../../shared/protocol/github-api.ts";
import { OWNER, REPOSITORY } from "./builders.ts";

describe("the text of a scope", () => {
  it.each(["acme", "a", "acme-", "octo_corp", "acme/widgets", "acme/.github", "acme-/x.y"])("%s", (text) => {
    const scope = parseScope(text)!;
    const [owner, repo] = text.split("/");
    expect([ownerOf(scope), repositoryOf(scope), pathOf(scope)]).toEqual([owner, repo, text]);
    expect(apiPathOf(scope)).toBe(repo === undefined ? `orgs/${text}` : `repos/${text}`);
  });

  it.each([
    "",
    "acme; id",
    "acme/..",
    "acme/.",
    "a/b/c",
    "acme/",
    "/acme",
    "-acme",
    "acme\n",
    "$(id)",
    "acme?x",
    "a".repeat(40),
  ])("%j is none", (text) => expect(parseScope(text)).toBeUndefined());

  test("is a login, or a login and a repository, and nothing that a shell would read otherwise", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        if (parseScope(text) !== undefined) expect(text).toMatch(/^[\w.-]+(\/[\w.-]+)?$/);
      }),
    );
  });
});

describe("the runner of a repository's job is registered", () => {
  test("at the organization", () => {
    expect(scopeOf(REPOSITORY)).toEqual({ type: "organization", org: OWNER.login });
    expect(scopeOf(REPOSITORY, "organization")).toEqual({ type: "organization", org: OWNER.login });
  });

  test("at a user's repository, whatever the level", () => {
    const ours = { ...REPOSITORY, owner: { login: "ann", type: "User" } } as const;
    const scope = { type: "repository", owner: "ann", repo: REPOSITORY.name };
    expect(scopeOf(ours)).toEqual(scope);
    expect(scopeOf(ours, "organization")).toEqual(scope);
  });

  test("at an organization's repository where the tenant's level says so", () => {
    expect(scopeOf(REPOSITORY, "repository")).toEqual({
      type: "repository",
      owner: OWNER.login,
      repo: REPOSITORY.name,
    });
  });
});

test.each([
  ["https://api.github.com", "https://github.com"],
  ["https://api.acme.ghe.com", "https://acme.ghe.com"],
  ["https://ghe.example/api/v3", "https://ghe.example"],
  ["https://ghe.example:8443/api/v3/", "https://ghe.example:8443"],
  ["http://127.0.0.1:4000", "http://127.0.0.1:4000"],
])("the site of %s is %s", (api, site) => expect(siteUrl(api)).toBe(site));
