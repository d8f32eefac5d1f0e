// Where the path is right and the method is not: 405, and Allow names what there is.
import type { Env, Hono } from "hono";
import { METHOD_NAME_ALL } from "hono/router";
import { problem } from "./problem.ts";

/** After the app's routes, which say themselves which methods there are: what they took does not come here. */
export function refuseOtherMethods<E extends Env>(app: Hono<E>): void {
  const handlers = app.routes.filter(({ method }) => method !== METHOD_NAME_ALL);
  for (const [path, ofPath] of Map.groupBy(handlers, (handler) => handler.path)) {
    const allow = [...new Set(ofPath.map(({ method }) => method))].join(", ");
    app.all(path, (c) => {
      c.header("allow", allow);
      return problem(c, { status: 405, title: "Wrong method", detail: `use ${allow}` });
    });
  }
}
