// GitHub's own parser of workflows, as one question: what is wrong with this text?
import { registerHooks } from "node:module";

// Its package imports JSON files without the attribute that Node asks for (actions/languageservices).
registerHooks({
  resolve(specifier, context, next) {
    const resolved = next(specifier, context);
    return specifier.endsWith(".json") ? { ...resolved, importAttributes: { type: "json" } } : resolved;
  },
});
const { convertWorkflowTemplate, NoOperationTraceWriter, parseWorkflow } = await import(
  "@actions/workflow-parser"
);

/** Empty when GitHub would take the file. */
export async function workflowFaults(name: string, content: string): Promise<string[]> {
  const parsed = parseWorkflow({ name, content }, new NoOperationTraceWriter());
  if (parsed.value === undefined) return ["no workflow"];
  const template = await convertWorkflowTemplate(parsed.context, parsed.value);
  const faults = [
    ...parsed.context.errors.getErrors().map(({ message }) => message),
    ...(template.errors ?? []).map(({ Message }) => Message),
  ];
  return [...new Set(faults)];
}
