// The JSON Schema of dispatch.yaml walked along what was written, so that advice comes from the alternative that was chosen.

export type Key = PropertyKey;
export type Node = {
  readonly description?: string;
  readonly const?: unknown;
  readonly pattern?: string;
  readonly properties?: { readonly [key: string]: Node };
  readonly items?: Node;
  readonly additionalProperties?: Node | boolean;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
};
/** A node and what was written at its place. */
export type Place = { readonly node: Node; readonly value: unknown };

/** The nearest place on the way to `path` that says what belongs there. */
export function placeAt(root: Node, document: unknown, path: readonly Key[]): Place {
  let described: Place = { node: root, value: document };
  let place: Place | undefined = described;
  for (const key of path) {
    place = childOf(place, key);
    if (!place) break;
    const { description, properties, oneOf } = place.node;
    if (description || properties || oneOf) described = place;
  }
  return described;
}

/** The settings of the alternative that was chosen; of all where none was. */
export function propertiesOf({ node, value }: Place): { readonly [key: string]: Node } {
  const chosen = chosenOf({ node, value });
  const members = chosen === undefined ? (node.oneOf ?? node.anyOf ?? []) : [chosen];
  return Object.assign({}, ...members.map((member) => member.properties ?? {}), node.properties);
}

/** The other alternatives that have the setting `key`, by the words that choose them: `docker`. */
export function alternativesWith(place: Place, key: string): string[] {
  const chosen = chosenOf(place);
  const others = (place.node.oneOf ?? []).filter((member) => member !== chosen && member.properties?.[key]);
  return others.flatMap((member) => constants(member).map(([, { const: word }]) => String(word)));
}

/** What each alternative's own word for `key` is, with what it stands for. */
export function choicesOf({ node }: Place, key: string): { word: string; description: string }[] {
  return (node.oneOf ?? []).flatMap((member) => {
    const chooser = member.properties?.[key];
    return chooser?.const === undefined
      ? []
      : [{ word: String(chooser.const), description: chooser.description ?? "" }];
  });
}

function childOf(place: Place, key: Key): Place | undefined {
  const value = (place.value as { [key: Key]: unknown } | null | undefined)?.[key];
  if (typeof key === "number") return place.node.items && { node: place.node.items, value };
  const property = propertiesOf(place)[String(key)];
  if (property) return { node: property, value };
  const { additionalProperties: further } = place.node;
  return typeof further === "object" ? { node: further, value } : undefined;
}

/** Of several objects, the one whose constant was written. */
function chosenOf({ node, value }: Place): Node | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  return node.oneOf?.find((member) =>
    constants(member).some(([key, { const: word }]) => (value as { [key: string]: unknown })[key] === word),
  );
}

function constants(node: Node): [string, Node][] {
  return Object.entries(node.properties ?? {}).filter(([, property]) => property.const !== undefined);
}
