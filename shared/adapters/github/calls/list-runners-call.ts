// Lists every runner registered at an organization or a repository.

import { repositoryOf } from "../../../domain/runner-scope.ts";
import type { Github, GithubRunner } from "../../../ports/github.ts";
import type { Send } from "../send.ts";
import type { AsCaller } from "./installations.ts";
import { callOf, MAX_PAGES, PER_PAGE, runnersJson, toRunner } from "./runners.ts";

/** One call for each 100 runners. A runner that ends meanwhile may push another from one page to the one just read. */
export function createListRunnersCall(deps: {
  readonly send: Send;
  readonly asCaller: AsCaller;
}): Github["listRunners"] {
  return (caller, scope) =>
    deps.asCaller(caller, repositoryOf(scope), async (as) => {
      const found = new Map<number, GithubRunner>();
      for (let page = 1; page <= MAX_PAGES; page++) {
        const query = { per_page: PER_PAGE, page };
        const call = callOf(scope, "GET", "/actions/runners", "list runners", query);
        // Only who looks for registrations to remove reads them all.
        const { runners } = await deps.send(as, { ...call, class: "clean-up" }, runnersJson);
        for (const runner of runners) found.set(runner.id, toRunner(runner));
        if (runners.length < PER_PAGE) break;
      }
      return [...found.values()];
    });
}
