// Where the path is right and the method is not: 405, and Allow names what there is.
import type { Env, Hono } from "hono";
import { problem } from "./problem.ts";

/** After the routes themselves: what they took does not come here. */
export function refuseOtherMethods<E extends Env>(
  app: Hono<E>,
  methods: { readonly [path: string]: string },
): void {
  for (const [path, allow] of Object.entries(methods)) {
    app.all(path, (c) => {
      c.header("allow", allow);
      return problem(c, { status: 405, title: "Wrong method", detail: `use ${allow}` });
    });
  }
}
