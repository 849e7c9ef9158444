"use strict";
(() => {
  const BLOCK = 64, PAGE = 50, OUTCOMES = ["right", "wrong", "tied", "failed", "scored"];
  const at = (id) => document.getElementById(id);
  const figure = (count) => count.toLocaleString("en");

  // Texts are never markup: elements are made one by one, and what is in them is set as text.
  function element(name, attributes, ...content) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (key === "click") made.addEventListener("click", value);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...content.flat().filter((part) => part !== null && part !== undefined && part !== ""));
    return made;
  }

  async function unpacked(holder) {
    const bytes = Uint8Array.from(atob(holder.textContent), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return JSON.parse(await new Response(stream).text());
  }

  const runs = [...document.querySelectorAll("script.index")].map((holder) => (
    { holder, number: Number(holder.dataset.run), name: holder.dataset.name, index: null, blocks: new Map(), searched: [] }
  ));
  let run = null, matches = [], page = 0, opened = -1, search = 0;

  async function block(of, place) {
    if (!of.blocks.has(place)) {
      if (of.blocks.size > 40) of.blocks.delete(of.blocks.keys().next().value);
      of.blocks.set(place, unpacked(at(`block-${of.number}-${place}`)));
    }
    return of.blocks.get(place);
  }

  async function choose(number) {
    run = runs[number];
    run.index ||= await unpacked(run.holder);
    const { domains, domain, outcome, flipped, differs } = run.index;
    const sizes = new Array(domains.length).fill(0);
    for (const place of domain) sizes[place] += 1;
    at("domain").replaceChildren(
      element("option", { value: "" }, `all (${figure(domain.length)})`),
      ...domains.map((name, place) => element("option", { value: String(place) }, `${name} (${figure(sizes[place])})`)));
    const counts = [["all", outcome.length]];
    for (const name of OUTCOMES) counts.push([name, outcome.filter((one) => one === name).length]);
    counts.push(["flipped", flipped.filter(Boolean).length]);
    if (differs) counts.push(["differs from run 1", differs.filter(Boolean).length]);
    at("outcomes").querySelector("div")?.remove();
    at("outcomes").append(element("div", null, counts.filter(([name, count]) => count || name === "all").map(([name, count]) =>
      element("label", null, element("input", { type: "radio", name: "show", value: name, checked: name === "all" }), `${name} (${figure(count)})`))));
  }

  function shows(place, show, domain) {
    const { outcome, flipped, differs } = run.index;
    if (domain !== "" && run.index.domain[place] !== Number(domain)) return false;
    if (show === "all") return true;
    if (show === "flipped") return flipped[place];
    return show.startsWith("differs") ? differs[place] : outcome[place] === show;
  }

  function* texts(value) {
    if (typeof value === "string") yield value;
    else if (value && typeof value === "object") for (const inner of Object.values(value)) yield* texts(inner);
  }

  // Finds words in whole cases, block by block; a later search ends an earlier one.
  async function find(places, words, mine) {
    const found = [];
    let done = -1;
    for (const place of places) {
      const number = Math.floor(place / BLOCK);
      if (!run.searched[number]) {
        const shown = await unpacked(at(`block-${run.number}-${number}`));
        if (mine !== search) return null;
        run.searched[number] = shown.map((one) => [...texts(one)].join("\n").toLowerCase());
      }
      if (number !== done) {
        done = number;
        if (number % 8 === 0) await new Promise((resume) => setTimeout(resume));
        if (mine !== search) return null;
      }
      if (words.every((word) => run.searched[number][place % BLOCK].includes(word))) found.push(place);
    }
    return found;
  }

  async function filter(keep) {
    const mine = ++search;
    const show = document.querySelector("input[name=show]:checked").value;
    const all = [...run.index.ids.keys()].filter((place) => shows(place, show, at("domain").value));
    const words = at("query").value.toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length) at("count").textContent = "Searching…";
    const found = words.length ? await find(all, words, mine) : all;
    if (found === null) return;
    matches = found;
    page = keep ? Math.max(0, Math.floor(matches.indexOf(opened) / PAGE)) : 0;
    at("count").textContent = `${figure(matches.length)} of ${figure(run.index.ids.length)} cases`;
    list();
    if (!matches.length) at("case").replaceChildren();
    else if (!matches.includes(opened)) await open(matches[0], false);
  }

  function list() {
    const { ids, outcome, flipped, snippet, domain, domains } = run.index;
    const pages = Math.max(1, Math.ceil(matches.length / PAGE));
    at("rows").replaceChildren(...matches.slice(page * PAGE, (page + 1) * PAGE).map((place) => element("li", null,
      element("button", { type: "button", "data-place": place, "aria-current": place === opened ? "true" : null, click: () => open(place, true) },
        element("span", { class: "line" }, mark(outcome[place]), flipped[place] ? mark("flipped") : "", snippet[place] || ids[place]),
        element("span", { class: "line under" }, `${domains[domain[place]]} · ${ids[place]}`)))));
    at("rows").scrollTop = 0;
    at("where").textContent = `page ${page + 1} of ${pages}`;
    at("before").disabled = page === 0;
    at("after").disabled = page >= pages - 1;
  }

  const mark = (name, says) => element("span", { class: `mark ${name}` }, says || name);
  const text = (value) => element("pre", { class: "text", dir: "auto", tabindex: "0" }, value);
  const missing = () => element("p", { class: "under" }, "Not given; name the files that were judged with --pairs.");

  async function open(place, move) {
    opened = place;
    const shown = (await block(run, Math.floor(place / BLOCK)))[place % BLOCK];
    if (opened !== place) return;
    for (const row of at("rows").querySelectorAll("button")) {
      if (Number(row.dataset.place) === place) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    const position = matches.indexOf(place);
    const step = (by) => async () => {
      const next = matches[position + by];
      page = Math.floor((position + by) / PAGE);
      list();
      await open(next, true);
    };
    const heading = element("h3", { tabindex: "-1" }, shown.id);
    at("case").replaceChildren(
      element("div", { class: "top" }, heading, element("span", null,
        element("button", { type: "button", disabled: position < 1, click: step(-1) }, "Previous case"), " ",
        element("button", { type: "button", disabled: position < 0 || position > matches.length - 2, click: step(1) }, "Next case"))),
      element("p", null, mark(shown.outcome), shown.flipped ? mark("flipped") : "", mark("plain", shown.domain),
        element("span", { class: "under" }, shown.source || "")),
      ...(shown.grades ? graded(shown) : compared(shown)));
    history.replaceState(null, "", `#case-${run.number + 1}-${place + 1}`);
    if (move) {
      heading.focus({ preventScroll: true });
      at("case").scrollIntoView({ block: "start" });
    }
  }

  function request(shown) {
    return [element("h4", null, "Request"), shown.prompt === undefined ? missing() : text(shown.prompt)];
  }

  function compared(shown) {
    const said = shown.result;
    const response = (label, place) => element("section", null,
      element("h4", null, `Response ${label} `, shown.label === label ? mark("plain", "label: better") : "",
        said.preferred === label ? mark(shown.outcome, "judge: better") : ""),
      shown.responses ? text(shown.responses[place]) : missing());
    return [
      element("p", null, element("strong", null, verdict(said)), ` The label says Response ${shown.label}.`,
        shown.by === "checks" ? " Decided by code, before any model was asked." : "",
        shown.by === "reference" ? " Decided by the right answer." : "",
        shown.assisted ? " Reference-assisted: the judge was given the right answer." : "",
        shown.part ? ` Judged by the part ${shown.part} of the meta-rubric.` : ""),
      ...request(shown),
      element("div", { class: "sides" }, response("A", 0), response("B", 1)),
      ...findings(shown), ...orders(shown)];
  }

  function verdict(said) {
    if (said.kind === "verdict") {
      const sure = said.probability === null ? "" : `, with probability ${said.probability.toFixed(3)}`;
      return `The judge prefers Response ${said.preferred}${sure}.`;
    }
    return said.kind === "tie" ? `Tie: ${said.reason}.` : `Failed, no verdict: ${said.reason}.`;
  }

  const first = (order) => `${order[0]} shown first`;

  function findings(shown) {
    const adaptive = shown.orders.filter((one) => one.compared);
    if (adaptive.length) return adaptive.flatMap(margins);
    const rubric = shown.rubric || [];
    const asked = shown.orders.length ? shown.orders : [{ order: "", ...shown.result }];
    const cell = (number, label) => element("td", null, asked.flatMap((one) => (one.findings || [])
      .filter(([criterion, response]) => criterion === number && response === label)
      .map(([, , said]) => element("p", { dir: "auto" },
        asked.length > 1 ? element("span", { class: "kind" }, `${first(one.order)}:`) : "", " ", said))));
    if (!rubric.length) return [element("h4", null, "Rubric"), element("p", { class: "under" }, "None was used.")];
    return [element("h4", null, "Rubric, and what the judge found"), grid("Findings per criterion",
      ["#", "criterion", "Response A", "Response B"], rubric.map((one, place) => [String(place + 1), criterion(one),
        cell(place + 1, "A"), cell(place + 1, "B")]))];
  }

  function margins(one) {
    const said = (label, evidence, unquoted) => element("td", null, element("p", { dir: "auto" }, evidence),
      evidence && unquoted.includes(label) ? element("span", { class: "kind" }, `not found in Response ${label}`) : "");
    const reason = one.order[0] === "A" ? "reason" : "reason (Response B is A in it, as it was shown)";
    return [element("h4", null, `Criteria, ${first(one.order)}; score ${one.score.toFixed(3)}, above 0 for Response A`),
      grid("Criterion by criterion", ["#", "criterion", "better", "Response A", "Response B", reason],
        one.compared.map((it, place) => [String(place + 1), criterion([it.text, it.type, 1, ""]),
          it.better === "tie" || !it.by ? "tie" : `${it.better} by ${it.by}`, said("A", it.evidence_a, it.unquoted),
          said("B", it.evidence_b, it.unquoted), element("td", null, element("p", { dir: "auto" }, it.reason))]))];
  }

  function criterion([says, kind, weight, check]) {
    const more = [kind, weight === 1 ? "" : `weight ${weight}`, check ? `checked by code: ${check}` : ""].filter(Boolean);
    return element("td", null, element("p", { dir: "auto" }, says), element("span", { class: "kind" }, more.join(", ")));
  }

  function orders(shown) {
    if (!shown.orders.length) return shown.result.raw ? [raw(shown.result.raw)] : [];
    const rows = shown.orders.map((one) => [first(one.order),
      one.kind === "verdict" ? `Response ${one.preferred}` : one.kind === "tie" ? "tie" : "failed",
      Object.entries(one.votes).map(([name, count]) => `${name}: ${count}`).join(", ") || "one",
      one.gatekeeper || "none named",
      element("td", null, element("p", { dir: "auto" }, one.reason || ""), one.raw ? raw(one.raw) : "")]);
    return [element("h4", null, "Verdicts"),
      grid("Verdict in each order", ["order", "verdict", "votes", "gatekeeper", "justification"], rows),
      element("p", { class: "under" }, "A justification names the responses as they were shown: with B shown first, its A is Response B here.")];
  }

  const raw = (value) => element("details", null, element("summary", null, "Reply of the model"), text(value));

  function graded(shown) {
    const better = shown.better.length > 12 ? `${shown.better.length} pairs` : shown.better.map(([i, j]) => `${i} > ${j}`).join(", ");
    return [
      better ? element("p", null, `Known to be better: ${better}.`) : "",
      ...request(shown),
      element("div", { class: "sides" }, shown.grades.map((one) => element("section", null,
        element("h4", null, `Response ${one.response} `, one.score === null ? mark("failed")
          : mark("plain", `score ${+one.score.toFixed(4)}${one.error === null ? "" : ` ± ${+one.error.toFixed(4)}`}`)),
        one.text === null ? missing() : text(one.text),
        one.failed ? element("p", null, `Failed, no score: ${one.failed}.`) : "", one.raw ? raw(one.raw) : ""))),
      ...shown.grades.flatMap((one) => one.rubric ? [grid(`Criteria, Response ${one.response}`, ["#", "criterion", "met", "why"],
        one.rubric.map((rule, place) => {
          const [, met, why, by] = one.met.find(([number]) => number === place + 1) || [0, null, "", ""];
          const said = met === null ? "no finding" : met ? "met" : "not met";
          return [String(place + 1), criterion(rule), said + (by === "check" ? ", by code" : ""), why];
        }))] : [])];
  }

  function grid(caption, header, rows) {
    return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, element("table", null,
      element("caption", null, caption),
      element("thead", null, element("tr", null, header.map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", null, rows.map(([name, ...cells]) => element("tr", null, element("th", { scope: "row" }, name),
        cells.map((cell) => (cell instanceof Element ? cell : element("td", { dir: "auto" }, cell))))))));
  }

  function theme() {
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const is = () => (document.documentElement.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
    const label = () => { at("theme").textContent = is() ? "Light colours" : "Dark colours"; };
    at("theme").hidden = false;
    at("theme").addEventListener("click", () => { document.documentElement.dataset.theme = is() ? "light" : "dark"; label(); });
    dark.addEventListener("change", label);
    label();
  }

  function rowKeys(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const rows = [...at("rows").querySelectorAll("button")];
    const next = rows[rows.indexOf(document.activeElement) + by];
    if (by && next) {
      event.preventDefault();
      next.focus();
    }
  }

  async function begin() {
    theme();
    if (!runs.length || !("DecompressionStream" in window)) {
      at("browser").before(element("p", { class: "note" }, "This browser is too old to unpack the cases."));
      return;
    }
    at("run").append(...runs.map((one) => element("option", { value: String(one.number) }, `${one.number + 1}: ${one.name}`)));
    at("run").parentElement.hidden = runs.length < 2;
    const asked = /^#case-(\d+)-(\d+)$/.exec(location.hash);
    const number = asked && runs[asked[1] - 1] ? asked[1] - 1 : 0;
    await choose(number);
    at("run").value = String(number);
    at("browser").hidden = false;
    const wanted = asked ? asked[2] - 1 : -1;
    const known = wanted >= 0 && wanted < run.index.ids.length;
    if (known) await open(wanted, false);
    const hash = location.hash;
    await filter(known);
    if (known) await open(wanted, true);
    else history.replaceState(null, "", hash || location.pathname + location.search);
    let waiting = 0;
    at("filters").addEventListener("submit", (event) => event.preventDefault());
    at("run").addEventListener("change", async () => { opened = -1; await choose(Number(at("run").value)); await filter(); });
    at("domain").addEventListener("change", () => filter());
    at("outcomes").addEventListener("change", () => filter());
    at("query").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(filter, 250); });
    at("before").addEventListener("click", () => { page -= 1; list(); });
    at("after").addEventListener("click", () => { page += 1; list(); });
    at("rows").addEventListener("keydown", rowKeys);
    document.documentElement.dataset.ready = "yes";
  }

  begin();
})();
