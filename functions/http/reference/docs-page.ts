// The reference as one HTML page without scripts or anything to load.
import type { OpenapiDocument, Operation, Parameter } from "./openapi.ts";

export function docsPage(document: OpenapiDocument): string {
  const { info, paths, components } = document;
  const operations = Object.entries(paths).flatMap(([path, methods]) => sectionsOf(path, methods));
  const plane = (name: string) =>
    operations
      .filter(({ operation }) => operation.tags[0] === name)
      .map(section)
      .join("\n");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(info.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escapeHtml(info.title)}</h1>
<p>${escapeHtml(info.description)} The same for programs: <a href="openapi.json">openapi.json</a>.</p>
<h2>Client plane</h2>
<p>Authorization: an API key or a workflow's OIDC token, with or without <code>Bearer</code>.</p>
${plane("client")}
<h2>Worker plane</h2>
<p>Authorization: the worker's token, raw.</p>
${plane("worker")}
<h2>Operator plane</h2>
<p>Authorization: <code>Bearer</code> and the admin key.</p>
${plane("operator")}
<h2>Without a credential of ours</h2>
${plane("server")}
<h2>Messages</h2>
${Object.entries(components.schemas).map(schemaSection).join("\n")}
</body>
</html>
`;
}

const STYLE = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h3 { margin: 2rem 0 0; font-size: 1rem; }
pre { overflow-x: auto; padding: .75rem; border: 1px solid; font-size: .8rem; }
table { border-collapse: collapse; }
td { padding: .1rem 1rem .1rem 0; vertical-align: top; }
@media (prefers-color-scheme: dark) { body { background: #111; color: #ddd; } a { color: #8cf; } }
`;

type Section = {
  readonly path: string;
  readonly methods: readonly string[];
  readonly operation: Operation;
};

/** Methods that do the same, such as GET and POST of a status, are one section. */
function sectionsOf(path: string, methods: { readonly [method: string]: Operation }): Section[] {
  const bySummary = Map.groupBy(Object.entries(methods), ([, { summary }]) => summary);
  return [...bySummary.values()].flatMap((same) => {
    const operation = same[0]?.[1];
    return operation === undefined
      ? []
      : [{ path, methods: same.map(([method]) => method.toUpperCase()), operation }];
  });
}

function section({ path, methods, operation }: Section): string {
  return `<h3><code>${methods.join(", ")} ${escapeHtml(path)}</code></h3>
<p>${escapeHtml(operation.summary)}.${messages(operation)}</p>
<table>${operation.parameters.map(parameterRow).join("")}</table>
<p>Answers: ${Object.keys(operation.responses).join(", ")}.</p>`;
}

function parameterRow({ name, in: place, description }: Parameter): string {
  return `<tr><td><code>${escapeHtml(name)}</code></td><td>${place}</td><td>${escapeHtml(description)}</td></tr>`;
}

/** Which messages go in and out, as links. */
function messages({ requestBody, responses }: Operation): string {
  const [asked] = namesIn(requestBody);
  const [answered] = namesIn(responses["200"]);
  const body = asked === undefined ? "" : ` Body: ${link(asked)}.`;
  return `${body}${answered === undefined ? "" : ` Answer: ${link(answered)}.`}`;
}

function namesIn(part: unknown): string[] {
  const text = JSON.stringify(part ?? {});
  return [...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map(([, name = ""]) => name);
}

function schemaSection([name, schema]: [string, unknown]): string {
  return `<h3 id="${name}"><code>${name}</code></h3>
<pre>${escapeHtml(JSON.stringify(schema, null, 2))}</pre>`;
}

function link(name: string): string {
  return `<a href="#${name}"><code>${name}</code></a>`;
}

function escapeHtml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
