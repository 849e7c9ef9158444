"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const DONE = { accept: "accepted", reject: "rejected", rewrite: "rewritten" };
  const KIND = { add: "Add", delete: "Delete", modify: "Change" };
  const many = (count, one, more) => `${count} ${count === 1 ? one : more || `${one}s`}`;
  let review = null, state = null, opened = -1, busy = false;
  const drafts = new Map(); // what was typed about an edit and is not saved yet

  // Texts are never markup: elements are made one by one, and what is in them is set as text.
  function element(name, attributes, ...content) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes || {})) {
      if (typeof value === "function") made.addEventListener(key, value);
      else if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...content.flat().filter((part) => part !== null && part !== undefined && part !== ""));
    return made;
  }

  const mark = (name, says) => element("span", { class: `mark ${name}` }, says || name);
  const short = (value) => { const all = [...value.slice(0, 300)]; return all.length > 120 ? `${all.slice(0, 119).join("")}…` : value; };
  const text = (value) => element("pre", { class: "text", dir: "auto", tabindex: "0" }, value);
  const field = (label, input) => element("div", { class: "field" }, element("label", { for: input.id }, label), input);

  function say(place, message) {
    place.textContent = message;
    place.hidden = !message;
  }

  async function ask(path, body) {
    const post = body && { method: "POST", headers: { "Content-Type": "application/json", "X-CSRF-Token": review.csrf }, body: JSON.stringify(body) };
    let reply;
    try {
      reply = await fetch(path, { cache: "no-store", ...post });
    } catch {
      throw new Error("The review is not running any more. What was saved stays; start the same command again to go on.");
    }
    const said = await reply.json().catch(() => ({ error: `the server answered ${reply.status}`, hint: "look at what it says in the terminal" }));
    if (!reply.ok) {
      if (said.state) state = said.state; // another window has changed it
      throw new Error([said.error, said.hint].filter(Boolean).map((line) => line[0].toUpperCase() + line.slice(1)).join("\n"));
    }
    return said;
  }

  // The words of two texts: those that only the first has, only the second has, or both.
  function words(before, after) {
    const [a, b] = [before, after].map((one) => one.split(/(\s+)/).filter(Boolean));
    if (a.length * b.length > 250000) return [[["del", before]], [["ins", after]]];
    const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--)
      for (let j = b.length - 1; j >= 0; j--)
        table[i][j] = a[i] === b[j] ? table[i + 1][j + 1] + 1 : Math.max(table[i + 1][j], table[i][j + 1]);
    const old = [], now = [];
    for (let i = 0, j = 0; i < a.length || j < b.length;) {
      if (i < a.length && j < b.length && a[i] === b[j]) { old.push(["", a[i++]]); now.push(["", b[j++]]); }
      else if (j >= b.length || (i < a.length && table[i + 1][j] >= table[i][j + 1])) old.push(["del", a[i++]]);
      else now.push(["ins", b[j++]]);
    }
    return [old, now];
  }

  const wording = (parts) => element("p", { class: "wording", dir: "auto" }, parts.map(([kind, word]) => (kind ? element(kind, null, word) : word)));

  function sides(before, after) {
    const [old, now] = before && after ? words(before.text, after.text) : [[["", before?.text]], [["", after?.text]]];
    const side = (heading, one, parts, none) => element("section", null, element("h4", null, heading),
      one ? [mark(before && after && before.type !== after.type ? "changed" : "plain", one.type), wording(parts)] : element("p", { class: "under" }, none));
    return element("div", { class: "sides" }, side("Before", before, old, "There is no such principle."), side("After", after, now, "It is taken out."));
  }

  function principles(lines) {
    if (!lines.length) return element("p", { class: "under" }, "No principles.");
    return element("ul", { class: "principles" }, lines.map(([one, change]) => element("li", { class: change },
      element("strong", null, one.name), " ", mark("plain", one.type), change === "kept" ? "" : mark(change),
      element("p", { dir: "auto" }, one.text))));
  }

  function facts(pairs) {
    return element("dl", { class: "facts" }, Object.entries(pairs).map(([name, value]) => element("div", null, element("dt", null, name), element("dd", null, value))));
  }

  // What a proposal is now: rewritten, as proposed, or taken back to where it was.
  function wanted(one) {
    const standing = state.standing[one.id];
    return standing && standing.edit.principle ? standing.edit.principle : one.after;
  }

  function list() {
    at("rows").replaceChildren(...review.proposals.map((one, place) => {
      const standing = state.standing[one.id];
      return element("li", null, element("button", { type: "button", "data-place": place, "aria-current": place === opened ? "true" : null, click: () => open(place, true) },
        element("span", { class: "line" }, standing ? mark(standing.verdict, DONE[standing.verdict]) : mark("open", "open"), `${KIND[one.kind]} ${one.name}`),
        element("span", { class: "line under" }, `fixes ${one.fixes.length}, breaks ${one.breaks.length}${standing?.signed ? " · signed" : ""}`)));
    }));
  }

  // What an edit has become, with the words that are not in the proposed one.
  function rewritten(one) {
    const standing = state.standing[one.id];
    if (standing?.verdict !== "rewrite") return [];
    const now = standing.edit.principle, from = one.after || one.before;
    return [element("h4", null, `As ${standing.who} rewrote it`), mark(now.type === from.type ? "plain" : "changed", now.type), wording(words(from.text, now.text)[1])];
  }

  function open(place, move) {
    if (opened >= 0) keep();
    opened = place;
    const one = review.proposals[place];
    for (const row of at("rows").querySelectorAll("button")) {
      if (Number(row.dataset.place) === place) row.setAttribute("aria-current", "true");
      else row.removeAttribute("aria-current");
    }
    const heading = element("h3", { tabindex: "-1" }, `${KIND[one.kind]} ${one.name}`);
    const step = (by) => ({ type: "button", disabled: !review.proposals[place + by], click: () => open(place + by, true) });
    at("case").replaceChildren(
      element("div", { class: "top" }, heading, element("span", null,
        element("button", step(-1), "Previous edit"), " ", element("button", step(1), "Next edit"))),
      element("p", null, mark("fixes", `fixes ${one.fixes.length}`), mark("breaks", `breaks ${one.breaks.length}`), mark("plain", `of ${many(review.pairs, "pair")}`),
        one.failed ? element("span", { class: "under" }, `${many(one.failed, "pair")} without a judgment under the edited document`) : ""),
      element("h4", null, "Why"), element("p", { dir: "auto" }, one.why || "No reason was given."),
      element("h4", null, "Failures it is to mend"), element("p", { dir: "auto" }, one.cluster || "None were named."),
      element("h4", null, "What changes"), sides(one.before, one.after), element("div", { id: "rewritten" }), decision(one),
      ...pairs(one.fixes, "It fixes", "Judged wrong before, right after."), ...pairs(one.breaks, "It breaks", "Judged right before, not after."));
    settle(one);
    history.replaceState(null, "", `#edit-${place + 1}`);
    if (move) {
      heading.focus({ preventScroll: true });
      at("case").scrollIntoView({ block: "start" });
    }
  }

  function saved(one) {
    const standing = state.standing[one.id], principle = wanted(one) || one.before;
    return { note: standing?.note || "", type: principle.type, text: principle.text, rewriting: standing?.verdict === "rewrite" };
  }

  function keep() {
    const one = review.proposals[opened], was = saved(one);
    const typed = { note: at("note").value, type: at("type").value, text: at("text").value, rewriting: !at("rewriting").hidden };
    if (["note", "type", "text"].some((name) => typed[name].trim() !== was[name].trim())) drafts.set(one.id, typed);
    else drafts.delete(one.id);
    return drafts.has(one.id);
  }

  function fill(one) {
    const was = saved(one);
    for (const name of ["note", "type", "text"]) at(name).value = was[name];
    at("type").dispatchEvent(new Event("change")); // says what the type means
  }

  function decision(one) {
    const draft = drafts.get(one.id) || saved(one);
    const choice = (verdict, label, click) => element("button", { type: "button", id: `choose-${verdict}`, "aria-pressed": "false", click }, label);
    const note = element("textarea", { id: "note", rows: 2, maxlength: review.limits.note });
    const wordingOf = element("textarea", { id: "text", rows: 3, maxlength: review.limits.text, dir: "auto" });
    const type = element("select", { id: "type" }, review.types.map((rule) => element("option", { value: rule.type, selected: rule.type === draft.type }, rule.type)));
    const means = element("p", { id: "type-means", class: "under", dir: "auto" });
    const explain = () => { means.textContent = review.types.find((rule) => rule.type === type.value).text; };
    note.value = draft.note;
    wordingOf.value = draft.text;
    explain();
    type.setAttribute("aria-describedby", "type-means");
    type.addEventListener("change", explain);
    for (const input of [note, type, wordingOf]) input.addEventListener("input", () => settle(one));
    return element("section", { class: "decision", "aria-labelledby": "decision-heading" },
      element("h4", { id: "decision-heading" }, "Your decision"),
      field("Note, for those who read the file later", note),
      element("div", { class: "choices", role: "group", "aria-labelledby": "decision-heading" },
        choice("accept", "Accept", () => decide(one, "accept")), choice("reject", "Reject", () => decide(one, "reject")),
        choice("rewrite", "Rewrite…", () => rewrite(at("rewriting").hidden))),
      element("div", { id: "rewriting", hidden: !draft.rewriting },
        field("Type", type), means, field(one.kind === "delete" ? `Text of ${one.name}, which then stays` : `Text of ${one.name}`, wordingOf),
        element("p", { class: "note" }, "The pairs below were judged under the proposed text. Nobody has judged them under another one; the file says so too."),
        element("button", { type: "button", id: "save", class: "primary", click: () => decide(one, "rewrite") }, "Save the rewritten edit")),
      element("p", { id: "decide-problem", class: "problem", role: "alert", hidden: true }),
      element("p", { id: "said", class: "said", role: "status" }));
  }

  function rewrite(show) {
    at("rewriting").hidden = !show;
    at("choose-rewrite").setAttribute("aria-expanded", String(show));
    if (show) at("text").focus();
  }

  // Shows how an edit stands, without making its form anew, so that the focus stays where it is.
  function settle(one) {
    const standing = state.standing[one.id];
    for (const verdict of Object.keys(DONE)) at(`choose-${verdict}`).setAttribute("aria-pressed", String(standing?.verdict === verdict));
    at("choose-rewrite").setAttribute("aria-expanded", String(!at("rewriting").hidden));
    at("rewritten").replaceChildren(...rewritten(one));
    const says = keep() ? "What you typed is not saved yet: it is saved with Accept, Reject or the rewritten edit."
      : standing ? `Saved: ${DONE[standing.verdict]} by ${standing.who}${standing.signed ? ", and signed" : ", not signed yet"}.` : "";
    if (at("said").textContent !== says) at("said").textContent = says;
  }

  async function decide(one, verdict) {
    if (busy) return;
    say(at("decide-problem"), "");
    if (!at("who").value.trim()) {
      say(at("decide-problem"), "Type your name above first.");
      at("who").focus();
      return;
    }
    const body = { head: state.head, proposal: one.id, verdict, who: at("who").value, note: at("note").value };
    if (verdict === "rewrite") Object.assign(body, { type: at("type").value, text: at("text").value });
    busy = true;
    try {
      state = (await ask("decide", body)).state;
      fill(one);
      if (verdict !== "rewrite") at("rewriting").hidden = true;
    } catch (error) {
      if (!drafts.has(one.id)) fill(one);
      say(at("decide-problem"), error.message);
    } finally {
      settle(one);
      show();
      busy = false;
    }
  }

  function pairs(of, heading, says) {
    const response = (pair, name, words) => element("section", null, element("h5", null, `Response ${name} `, pair.label === name ? mark("prefers", "people prefer this one") : ""), text(words));
    return [element("h4", null, `${heading} ${many(of.length, "pair")}`), of.length ? element("p", { class: "under" }, says) : "",
      ...of.map((pair) => element("details", null, element("summary", null, `${pair.id}: ${short(pair.prompt)}`),
        element("h5", null, "Request"), text(pair.prompt),
        element("div", { class: "sides" }, response(pair, "A", pair.response_a), response(pair, "B", pair.response_b)),
        ...said("Before", pair.before, pair.label), ...said("After", pair.after, pair.label)))];
  }

  const other = { A: "B", B: "A" };
  const OUTCOME = { chosen: ["right", (label) => `judge prefers ${label}`], rejected: ["wrong", (label) => `judge prefers ${other[label]}`], tie: ["tied", () => "tie"], failed: ["failed", () => "no judgment"] };

  function outcome(one, label) {
    const [kind, says] = OUTCOME[one.outcome];
    return mark(kind, says(label));
  }

  function said(when, one, label) {
    const orders = one.by === "checks" ? [] : one.orders, many = orders.length > 1;
    return [element("h5", null, `${when} `, outcome(one, label)),
      one.by === "checks" ? element("p", { class: "under" }, "Decided by code, before any model was asked.") : "",
      one.why ? element("p", { dir: "auto" }, one.why) : "",
      ...orders.flatMap((shown) => {
        const first = many ? `, ${shown.order[0]} shown first` : "";
        return [many ? element("p", null, outcome(shown, label), `${shown.order[0]} shown first`) : "",
          many && shown.why && shown.why !== one.why ? element("p", { dir: "auto" }, shown.why) : "",
          shown.score === null ? "" : element("p", { class: "under" }, `Score ${+shown.score.toFixed(3)}, above 0 where A is better.`),
          shown.compared.length ? grid(`Criteria, ${when.toLowerCase()}${first}`, shown.compared) : ""];
      }),
      many ? element("p", { class: "under" }, "Reasons name the responses as they were shown: with B shown first, their A is Response B here.") : ""];
  }

  function grid(caption, rows) {
    const quote = (label, says, missing) => (says ? element("p", { dir: "auto" }, element("span", { class: "kind" }, `${label}${missing ? " (not in the response)" : ""}: `), says) : "");
    const better = (row) => (row.better === "tie" || !row.by ? "alike" : `${row.better} by ${row.by}`);
    return element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, element("table", null,
      element("caption", null, caption),
      element("thead", null, element("tr", null, ["criterion", "type", "better", "why"].map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", null, rows.map((row) => element("tr", null, element("th", { scope: "row", dir: "auto" }, row.text), element("td", null, row.type), element("td", null, better(row)),
        element("td", null, element("p", { dir: "auto" }, row.reason), quote("A", row.evidence_a, row.unquoted.includes("A")), quote("B", row.evidence_b, row.unquoted.includes("B"))))))));
  }

  // All that a decision changes, but for the form of the edit that is open.
  function show() {
    const total = review.proposals.length, left = state.undecided.length;
    list();
    at("count").textContent = `${total - left} of ${many(total, "edit")} decided`;
    at("result-principles").replaceChildren(principles(state.result.map((line) => [line.principle, line.change])));
    at("result-heading").textContent = state.version === review.document.version ? "As it would be" : `As it would be, in version ${state.version}`;
    at("sign-count").textContent = `${many(state.unsigned, "decision")} to sign, ${left ? `${many(left, "edit")} undecided` : "no edit undecided"}.`;
    at("sign-goes").textContent = `Signing writes version ${state.version} of ${review.document.name} to ${review.out}, and ends the review.`;
    at("leave-line").hidden = !left;
    at("leave-text").textContent = `Leave ${many(left, "edit")} undecided`;
    ready();
  }

  function ready() {
    at("sign-button").disabled = !state.unsigned || (state.undecided.length > 0 && !at("leave").checked) || !at("name").value.trim();
  }

  async function sign(event) {
    event.preventDefault();
    ready();
    if (busy || at("sign-button").disabled) return;
    const open = review.proposals.filter((one) => drafts.has(one.id)).map((one) => `${KIND[one.kind]} ${one.name}`);
    say(at("sign-problem"), open.length ? `What you typed is not saved: ${open.join(", ")}. Save it there with a decision, or take it out.` : "");
    if (open.length) return;
    busy = true;
    try {
      const reply = await ask("sign", { head: state.head, name: at("name").value, leave_undecided: at("leave").checked });
      state = reply.state;
      finish(reply.signed);
    } catch (error) {
      say(at("sign-problem"), error.message);
      fill(review.proposals[opened]);
      settle(review.proposals[opened]);
      show();
    } finally {
      busy = false;
    }
  }

  function finish(signed) {
    at("all").hidden = true;
    document.querySelector("nav").hidden = true;
    at("done").hidden = false;
    at("done-text").textContent = `The document is ${signed}, and goes to ${review.out}. The decisions are in ${review.file}; the hash of its last line is ${state.head}.`;
    document.title = "openrubrics: signed";
    at("done").focus();
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
    try {
      review = await ask("review");
    } catch (error) {
      say(at("problem"), error.message);
      return;
    }
    state = review.state;
    const { document: of, pairs: judged, right } = review;
    at("heading").textContent = `How ${review.domain} is judged`;
    at("subtitle").textContent = `${of.name}, version ${of.version} · ${many(review.proposals.length, "proposed edit")} · judged by ${review.lm}`;
    document.title = `openrubrics: review of ${review.domain}`;
    at("now-facts").replaceChildren(
      review.when ? element("p", { dir: "auto" }, element("span", { class: "kind" }, "Where they hold: "), review.when) : "",
      facts({ "pairs judged": String(judged), "judged right": judged ? `${right} (${Math.round((100 * right) / judged)} %)` : String(right), "without a judgment": String(review.failed), document: of.fingerprint, data: review.data }));
    at("now-principles").replaceChildren(principles(review.principles.map((one) => [one, "kept"])));
    at("types").replaceChildren(...review.types.map((rule) => element("div", null, element("dt", null, rule.type), element("dd", { dir: "auto" }, rule.text))));
    at("statement").textContent = `You sign: “${review.statement}”`;
    at("footer").textContent = `This page is served by this machine to this machine alone, and loads nothing from elsewhere. Decisions are saved in ${review.file} as they are made.`;
    at("who").maxLength = at("name").maxLength = review.limits.name;
    const last = Object.values(state.standing).at(-1);
    if (last) at("who").value = last.who;
    if (review.signed) return finish(review.signed);
    at("all").hidden = false;
    show();
    const asked = /^#edit-(\d+)$/.exec(location.hash);
    const first = review.proposals.findIndex((one) => state.undecided.includes(one.id));
    if (review.proposals.length) open(asked && review.proposals[asked[1] - 1] ? asked[1] - 1 : Math.max(0, first), false);
    else at("count").textContent = "No edit was proposed.";
    at("person").addEventListener("submit", (event) => event.preventDefault());
    at("signing").addEventListener("submit", sign);
    at("leave").addEventListener("change", ready);
    at("name").addEventListener("input", ready);
    at("rows").addEventListener("keydown", rowKeys);
    document.documentElement.dataset.ready = "yes";
  }

  begin();
})();
