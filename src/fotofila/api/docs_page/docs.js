// Renders /openapi.json. Everything is made with createElement and textContent: no markup is ever read from the document.
const METHODS = ["get", "post", "put", "patch", "delete"];

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

/** Text whose `backticks` are code. */
function prose(tag, text, attributes = {}) {
  const parts = (text ?? "").split("`").map((part, index) => (index % 2 ? element("code", {}, part) : part));
  return element(tag, attributes, ...parts);
}

function resolve(spec, node) {
  let found = node;
  while (found?.$ref) {
    found = found.$ref.slice(2).split("/").reduce((at, key) => at?.[key.replaceAll("~1", "/").replaceAll("~0", "~")], spec);
  }
  return found ?? {};
}

function rangeOf(low, high) {
  if (low === undefined && high === undefined) return "";
  if (high === undefined) return ` ≥ ${low}`;
  return low === undefined ? ` ≤ ${high}` : ` ${low}–${high}`;
}

/** A schema in one line: `Photo`, `string (date-time)`, `integer 1–200`, `array of Face`, `string or null`. */
function typeName(schema) {
  if (!schema) return "any";
  if (schema.$ref) return schema.$ref.split("/").at(-1);
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return either.map(typeName).join(" or ");
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.type === "array") return `array of ${typeName(schema.items)}`;
  const format = schema.format ? ` (${schema.format})` : "";
  const low = schema.minimum ?? schema.exclusiveMinimum;
  const high = schema.maximum ?? schema.exclusiveMaximum;
  return `${schema.type ?? "any"}${format}${rangeOf(low, high)}`;
}

/** A schema as an indented outline; what was shown above is only named, so circles end. */
function outline(spec, schema, indent = "", seen = []) {
  const name = schema?.$ref;
  if (name && seen.includes(name)) return typeName(schema);
  const found = resolve(spec, schema);
  const above = name ? [...seen, name] : seen;
  const either = found.anyOf ?? found.oneOf;
  if (either) return either.map((one) => outline(spec, one, indent, above)).join(" | ");
  if (found.type === "array") return `[${outline(spec, found.items, indent, above)}, …]`;
  if (!found.properties) return typeName(found);
  const inner = `${indent}  `;
  const required = found.required ?? [];
  const lines = Object.entries(found.properties).map(([key, value]) => {
    const note = value.description ? `  // ${value.description.split("\n")[0]}` : "";
    return `${inner}${key}${required.includes(key) ? "" : "?"}: ${outline(spec, value, inner, above)}${note}`;
  });
  return `{\n${lines.join("\n")}\n${indent}}`;
}

function table(heads, rows) {
  const cells = (tag, row) => element("tr", {}, ...row.map((cell) => element(tag, {}, cell)));
  return element(
    "div",
    { class: "scroll" },
    element("table", {}, element("thead", {}, cells("th", heads)), element("tbody", {}, ...rows.map((row) => cells("td", row)))),
  );
}

function content(spec, holder) {
  return Object.entries(holder?.content ?? {}).map(([type, media]) =>
    element("div", {}, element("code", {}, type), element("pre", { tabindex: "0" }, outline(spec, media.schema))),
  );
}

function parameters(spec, operation) {
  const all = (operation.parameters ?? []).map((parameter) => resolve(spec, parameter));
  if (all.length === 0) return null;
  const rows = all.map((one) => [
    element("code", {}, one.name),
    one.in + (one.required ? ", required" : ""),
    element("code", {}, typeName(one.schema)),
    prose("span", one.description ?? one.schema?.description),
  ]);
  return element("section", {}, element("h4", {}, "Parameters"), table(["Name", "In", "Type", ""], rows));
}

function answers(spec, operation) {
  const all = Object.entries(operation.responses).map(([status, response]) => [status, resolve(spec, response)]);
  const good = all.filter(([status]) => /^[123]/.test(status));
  const problems = all.filter(([status]) => !/^[123]/.test(status));
  const rows = problems.map(([status, response]) => [element("code", {}, status), prose("span", response.description)]);
  return element(
    "section",
    {},
    ...good.map(([status, response]) =>
      element("div", {}, element("h4", {}, `${status} ${response.description ?? ""}`), ...content(spec, response)),
    ),
    rows.length ? element("details", {}, element("summary", {}, "Problems"), table(["Status", ""], rows)) : null,
  );
}

function card(spec, { method, path, operation }) {
  const body = resolve(spec, operation.requestBody);
  const bodies = content(spec, body);
  return element(
    "article",
    { id: operation.operationId },
    element("h3", {}, element("span", { class: "method" }, method.toUpperCase()), element("code", {}, path)),
    element("p", {}, operation.summary ?? ""),
    operation.description ? prose("p", operation.description, { class: "description" }) : null,
    parameters(spec, operation),
    bodies.length ? element("section", {}, element("h4", {}, "Body"), ...bodies) : null,
    answers(spec, operation),
  );
}

function operations(spec) {
  return Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ method, path, operation: item[method] })),
  );
}

function render(spec) {
  const main = document.getElementById("main");
  const toc = document.getElementById("toc");
  main.replaceChildren(
    element("h1", {}, `${spec.info.title} ${spec.info.version}`),
    prose("p", spec.info.description, { class: "description" }),
    element("p", {}, element("a", { href: "/openapi.json" }, "openapi.json")),
  );
  const all = operations(spec);
  const tags = new Map((spec.tags ?? []).map((tag) => [tag.name, tag.description ?? ""]));
  for (const { operation } of all) for (const tag of operation.tags ?? ["other"]) if (!tags.has(tag)) tags.set(tag, "");
  for (const [tag, description] of tags) {
    const mine = all.filter(({ operation }) => (operation.tags ?? ["other"]).includes(tag));
    if (mine.length === 0) continue;
    main.append(element("section", { "data-tag": tag }, element("h2", {}, tag), prose("p", description), ...mine.map((one) => card(spec, one))));
    const links = mine.map(({ method, path, operation }) =>
      element("a", { href: `#${operation.operationId}` }, element("span", { class: "method" }, method.toUpperCase()), element("span", {}, path)),
    );
    toc.append(element("section", {}, element("h2", {}, tag), ...links));
  }
  main.setAttribute("aria-busy", "false");
}

function find(text) {
  const wanted = text.trim().toLowerCase();
  const hide = (node) => (node.hidden = !node.textContent.toLowerCase().includes(wanted));
  document.querySelectorAll("article, nav a").forEach(hide);
  document.querySelectorAll("main > section, nav section").forEach((section) => {
    section.hidden = ![...section.querySelectorAll("article, a")].some((child) => !child.hidden);
  });
}

try {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  render(await response.json());
  document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
} catch (error) {
  document.getElementById("state").textContent = `The API's document cannot be read: ${error}`;
}
