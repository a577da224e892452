// Shows what /openapi.json describes, and asks it. Whatever comes from the server is put in as text,
// never as markup.
"use strict";

const place = (id) => document.getElementById(id);
let key = "";
let description = null;

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

function resolved(value) {
  if (!value || !value.$ref) return value || {};
  return value.$ref.slice(2).split("/").reduce((found, part) => (found || {})[part], description) || {};
}

function kindOf(schema) {
  const found = resolved(schema);
  if (found.enum) return found.enum.join(" | ");
  if (found.anyOf || found.oneOf) return (found.anyOf || found.oneOf).map(kindOf).join(" or ");
  if (found.type === "array") return `list of ${kindOf(found.items)}`;
  const kind = Array.isArray(found.type) ? found.type.join(" or ") : found.type;
  return [kind || "anything", found.format].filter(Boolean).join(", ");
}

function field(parameter) {
  const { name, required, description: words } = parameter;
  const input = element("input", { name, autocomplete: "off" });
  const label = element("label", { "data-kind": kindOf(parameter.schema) }, name);
  return [input, element("div", { class: required ? "field required" : "field" }, label, input,
    element("span", { class: "quiet" }, words || ""))];
}

// The request that the fields describe, or the name of what is missing.
function request(path, method, inputs, body) {
  let url = path;
  const query = new URLSearchParams();
  const headers = { Authorization: `Bearer ${key}` };
  for (const [parameter, input] of inputs) {
    const value = input.value.trim();
    if (!value) {
      if (parameter.required) return { missing: parameter.name };
      continue;
    }
    if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (parameter.in === "query") {
      const values = resolved(parameter.schema).type === "array" ? value.split(/[\s,]+/) : [value];
      for (const one of values) query.append(parameter.name, one);
    } else headers[parameter.name] = value;
  }
  if (body) headers["Content-Type"] = "application/json";
  const asked = query.toString();
  return { url: asked ? `${url}?${asked}` : url, method, headers, body: body ? body.value : undefined };
}

async function send(asked, output) {
  if (asked.missing) {
    output.textContent = `${asked.missing} is missing`;
    return;
  }
  output.textContent = "…";
  try {
    const response = await fetch(asked.url, asked);
    const head = [`${response.status} ${response.statusText}`];
    for (const name of ["etag", "location", "command-id", "ratelimit", "retry-after", "x-request-id"]) {
      if (response.headers.has(name)) head.push(`${name}: ${response.headers.get(name)}`);
    }
    output.textContent = `${head.join("\n")}\n\n`;
    await show(response, output);
  } catch (error) {
    output.textContent += String(error);
  }
}

// A stream of events does not end, so it is shown as it comes, and no more than a page of it.
async function show(response, output) {
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let part = await reader.read(); !part.done && text.length < 100_000; part = await reader.read()) {
    text += decoder.decode(part.value, { stream: true });
    if ((response.headers.get("content-type") || "").startsWith("text/event-stream")) {
      output.append(text);
      text = "";
    }
  }
  try {
    output.append(JSON.stringify(JSON.parse(text), null, 2));
  } catch {
    output.append(text);
  }
}

function operation(path, method, told) {
  const parameters = (told.parameters || []).map(resolved);
  const fields = parameters.map((parameter) => [parameter, ...field(parameter)]);
  const content = told.requestBody ? told.requestBody.content["application/json"] : null;
  const body = content ? element("textarea", { name: "body", spellcheck: "false" }) : null;
  if (body) body.value = JSON.stringify(content.example || {}, null, 2);
  const output = element("pre", { hidden: "" });
  const button = element("button", { type: "button" }, "Send");
  button.addEventListener("click", () => {
    output.hidden = false;
    const inputs = fields.map(([parameter, input]) => [parameter, input]);
    send(request(path, method.toUpperCase(), inputs, body), output);
  });
  const inside = [element("p", { class: "quiet" }, told.description || ""), ...fields.map((one) => one[2])];
  if (body) {
    const schema = element("pre", {}, JSON.stringify(content.schema, null, 2));
    inside.push(body, element("details", {}, element("summary", {}, "Schema of the body"), schema));
  }
  const answers = Object.entries(told.responses).map(([status, answer]) =>
    element("div", {}, element("code", {}, status), ` ${resolved(answer).description}`));
  inside.push(button, output, element("details", {}, element("summary", {}, "Answers"), ...answers));
  return element("details", { class: "operation", id: told.operationId },
    element("summary", {}, element("span", { class: "method" }, method.toUpperCase()),
      element("span", { class: "path" }, path), " ", element("span", { class: "quiet" }, told.summary || "")),
    ...inside);
}

function draw() {
  const sections = new Map((description.tags || []).map(({ name }) =>
    [name, element("section", {}, element("h2", {}, name))]));
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, told] of Object.entries(methods)) {
      const section = sections.get((told.tags || [])[0]);
      if (section) section.append(operation(path, method, told));
    }
  }
  place("operations").replaceChildren(...sections.values());
}

async function enter(given) {
  key = given.trim();
  try {
    const response = await fetch("/openapi.json", { headers: { Authorization: `Bearer ${key}` } });
    const answer = await response.json();
    if (!response.ok) throw new Error(`${answer.code}: ${answer.detail}`);
    description = answer;
    draw();
    place("find").disabled = false;
    place("state").textContent =
      `${answer.info.title} ${answer.info.version}: ${document.querySelectorAll(".operation").length} operations`;
  } catch (error) {
    place("state").textContent = error.message;
  }
}

place("enter").addEventListener("submit", (event) => {
  event.preventDefault();
  enter(place("key").value);
});

place("find").addEventListener("input", (event) => {
  const wanted = event.target.value.toLowerCase();
  for (const section of place("operations").children) {
    for (const one of section.querySelectorAll(".operation")) {
      one.hidden = !one.querySelector("summary").textContent.toLowerCase().includes(wanted);
    }
    section.hidden = !section.querySelector(".operation:not([hidden])");
  }
});

// What stands behind # is not sent to any server; a key given so leaves the address at once.
if (location.hash.length > 1) {
  const given = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  enter(given);
}
