"use strict";
// Shows the recording that stands in this page's data blocks. Recorded text is only ever set as text.
(() => {
  const ROW = 22, LONG = 40000, HUGE = 4e6;
  const blocks = (name) => [...document.querySelectorAll(`script[data-is="${name}"]`)];
  const session = JSON.parse(blocks("session")[0].textContent);
  const end = JSON.parse(blocks("end")[0].textContent);
  const NAMES = ["id", "at", "took", "dir", "kind", "method", "what", "name", "rpc", "status", "code",
    "sent", "came", "flags", "about", "time", "parent"];
  const rows = blocks("rows").flatMap((block, part) => JSON.parse(block.textContent).map((cells, place) => {
    const row = {part, place};
    NAMES.forEach((name, i) => { row[name] = cells[i]; });
    row.words = [row.id, row.method, row.what, row.name, row.status, row.code ?? "", row.flags, row.about, row.kind]
      .join(" ").toLowerCase();
    return row;
  }));
  const places = new Map(rows.map((row, i) => [row.id, i]));
  const parts = blocks("bodies");
  const read = new Map(), lower = new Map();
  const BAD = new Set(["rpc-error", "tool-error", "malformed", "lost", "late", "denied", "dropped"]);
  const WARN = new Set(["waiting", "held", "cancelled", "input", "mock", "task"]);
  const colour = (row) => BAD.has(row.status) ? "bad" : WARN.has(row.status) ? "warn" :
    row.status === "ok" ? "ok" : "info";

  function make(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  }
  const bodiesOf = (row) => {
    if (!read.has(row.part)) read.set(row.part, JSON.parse(parts[row.part].textContent));
    return read.get(row.part)[row.place];
  };
  const size = (n) => n < 1000 ? `${n} B` : n < 1e6 ? `${(n / 1e3).toFixed(1)} kB` : `${(n / 1e6).toFixed(1)} MB`;
  const took = (ms) => ms === null ? "" : ms < 1 ? `${ms.toFixed(2)} ms` : ms < 1000 ? `${ms.toFixed(1)} ms` :
    `${(ms / 1000).toFixed(2)} s`;

  // Head
  const header = make("header");
  header.append(make("h1", "", session.name || session.label || `session ${session.id}`));
  const who = [session.client && session.server ? `${session.client} → ${session.server}` :
    session.server || session.client, session.revision, session.started, session.ending].filter(Boolean);
  header.append(make("span", "facts", who.join("  ·  ")));
  if (session.lost_messages) header.append(make("span", "masked", `${session.lost_messages} messages were not recorded`));
  if (end.masked) header.append(make("span", "masked", `${end.masked} ${end.masked === 1 ? "value is" : "values are"} masked`));
  const target = session.url || (Array.isArray(session.command) ? session.command.join(" ") : "");
  if (target) header.append(make("div", "facts", target));
  if (session.note) header.append(make("div", "facts", session.note));

  // Search
  const bar = make("div", "bar");
  const search = make("input");
  search.type = "search";
  search.placeholder = "Search: words, or tool: method: status: id: flag: is:error dur>100ms   (/)";
  search.setAttribute("aria-label", "Search");
  const count = make("span", "count");
  const chips = [["Errors", "is:error"], ["Calls", "method:tools/call"], ["Slow", "dur>1s"]].map(([label, term]) => {
    const chip = make("button", "", label);
    chip.addEventListener("click", () => {
      const words = search.value.split(/\s+/).filter(Boolean);
      const at = words.indexOf(term);
      if (at < 0) words.push(term); else words.splice(at, 1);
      search.value = words.join(" ");
      find();
    });
    return [chip, term];
  });
  const all = make("button", "", "All");
  bar.append(search, ...chips.map(([chip]) => chip), all, count);

  // Timeline
  const first = rows.reduce((least, row) => Math.min(least, row.at), 0);
  const last = rows.reduce((most, row) => Math.max(most, row.at + (row.took || 0)), first + 1);
  const time = make("div", "time"), canvas = make("canvas"), chosen = make("div", "span");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", "Timeline");
  time.append(canvas, chosen);
  let range = null;
  const scale = () => time.clientWidth / (last - first);

  // List and detail
  const main = make("main"), list = make("div", "list"), space = make("div"), detail = make("section", "detail");
  list.tabIndex = 0;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Exchanges");
  list.append(space);
  main.append(list, detail);
  document.body.append(header, bar, time, main);

  let found = rows, picked = null;

  const UNITS = {"": 1, ms: 1, s: 1000, m: 60000};
  function test(term) {
    const not = term.startsWith("-") && term.length > 1;
    if (not) { const inner = test(term.slice(1)); return (row) => !inner(row); }
    const compared = /^dur([<>])(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(term);
    if (compared) {
      const bound = compared[2] * UNITS[compared[3] || ""];
      return (row) => row.took !== null && (compared[1] === ">" ? row.took > bound : row.took < bound);
    }
    const [, field, value] = /^(tool|method|status|id|flag|kind|dir|is):(.+)$/.exec(term) || [];
    if (field === "is" && value === "error") return (row) => BAD.has(row.status);
    if (field === "is") return (row) => row.status === value || ` ${row.flags} `.includes(` ${value} `);
    if (field === "flag") return (row) => ` ${row.flags} `.includes(` ${value} `);
    if (field === "id") return (row) => String(row.id) === value || row.rpc === value;
    if (field) {
      const of = field === "tool" ? "what" : field;
      const glob = new RegExp("^" + value.replace(/[.+^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")
        .replaceAll("?", ".") + "$", "i");
      return (row) => glob.test(row[of]) && (field !== "tool" || row.method === "tools/call");
    }
    return (row) => row.words.includes(term) || inBodies(row, term);
  }
  // Many servers write every letter beyond ASCII as an escape of JSON.
  const escaped = (text) => text.replace(/[^\x00-\x7f]/g, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
  function inBodies(row, term) {
    if (!lower.has(row.part)) lower.set(row.part, parts[row.part].textContent.toLowerCase());
    const ways = [...new Set([term, escaped(term)])].filter((way) => lower.get(row.part).includes(
      JSON.stringify(way).slice(1, -1).replace(/[<>&]/g, (c) => "\\u00" + c.charCodeAt(0).toString(16))));
    if (!ways.length) return false;
    return bodiesOf(row).flat().some((text) => text && ways.some((way) => text.toLowerCase().includes(way)));
  }
  function find() {
    const tests = (search.value.toLowerCase().match(/"[^"]*"|\S+/g) || []).map((t) => test(t.replace(/"/g, "")));
    found = rows.filter((row) => tests.every((passes) => passes(row)) &&
      (!range || (row.at + (row.took || 0) >= range[0] && row.at <= range[1])));
    for (const [chip, term] of chips) chip.setAttribute("aria-pressed", search.value.split(/\s+/).includes(term));
    count.textContent = found.length === rows.length ? `${rows.length} exchanges` :
      `${found.length} of ${rows.length} exchanges`;
    space.style.height = `${found.length * ROW}px`;
    paint();
    draw();
  }

  let painted = [];
  function paint() {
    for (const old of painted) old.remove();
    const top = Math.max(0, Math.floor(list.scrollTop / ROW) - 5);
    const until = Math.min(found.length, top + Math.ceil(list.clientHeight / ROW) + 10);
    painted = found.slice(top, until).map((row, i) => line(row, top + i));
    list.append(...painted);
  }
  function line(row, place) {
    const made = make("div", row === picked ? "row picked" : "row");
    made.style.top = `${place * ROW}px`;
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", row === picked);
    const fall = make("span", "fall"), bit = make("i");
    bit.style.left = `${100 * (row.at - first) / (last - first)}%`;
    bit.style.width = `${100 * (row.took || 0) / (last - first)}%`;
    bit.style.background = `var(--${colour(row)})`;
    fall.append(bit);
    made.append(make("span", "id", row.id), make("span", "at", `${(row.at / 1000).toFixed(3)} s`),
      make("span", "info", row.dir === "c2s" ? "→" : row.dir === "s2c" ? "←" : "·"),
      make("span", "what", row.what), make("span", colour(row), row.status + (row.code === null ? "" : ` ${row.code}`)),
      make("span", "took", took(row.took)), make("span", "about", row.about), fall);
    made.addEventListener("click", () => pick(row));
    return made;
  }

  function draw() {
    const ratio = window.devicePixelRatio || 1, width = time.clientWidth, height = time.clientHeight;
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    const pen = canvas.getContext("2d"), style = getComputedStyle(document.documentElement);
    pen.scale(ratio, ratio);
    pen.fillStyle = style.getPropertyValue("--dim");
    pen.strokeStyle = style.getPropertyValue("--line");
    pen.font = "11px system-ui, sans-serif";
    for (let i = 0; i <= 8; i++) {
      const x = Math.round(i * width / 8) + .5;
      pen.beginPath(); pen.moveTo(x, 0); pen.lineTo(x, height); pen.stroke();
      if (i < 8) pen.fillText(took((last - first) * i / 8), x + 3, 10);
    }
    const lanes = [], deep = Math.floor((height - 16) / 5), shown = new Set(found);
    for (const row of rows) {
      const x = (row.at - first) * scale(), wide = Math.max(2, (row.took || 0) * scale());
      let lane = lanes.findIndex((until) => until <= x);
      if (lane < 0) lane = lanes.length < deep ? lanes.length : deep - 1;
      lanes[lane] = Math.max(lanes[lane] || 0, x + wide);
      pen.globalAlpha = shown.has(row) ? 1 : .12;
      pen.fillStyle = style.getPropertyValue(row === picked ? "--ink" : `--${colour(row)}`);
      pen.fillRect(x, 15 + lane * 5, wide, row === picked ? 5 : 3.5);
    }
    pen.globalAlpha = 1;
  }

  function pick(row) {
    picked = row;
    detail.replaceChildren();
    detail.scrollTop = 0;
    paint();
    draw();
    if (!row) return;
    detail.append(make("h2", "", `${row.id}  ${row.what}`),
      make("p", "", [row.time, row.method, row.name !== row.what && row.name, row.rpc && `id ${row.rpc}`, row.status +
        (row.code === null ? "" : ` ${row.code}`), took(row.took), `${size(row.sent)} sent, ${size(row.came)} answered`,
        row.flags].filter(Boolean).join("  ·  ")));
    if (row.parent !== null && places.has(row.parent)) {
      const up = make("p", "more", `caused by ${row.parent} ${rows[places.get(row.parent)].what}`);
      up.addEventListener("click", () => go(rows[places.get(row.parent)]));
      detail.append(up);
    }
    const [request, answer, others, notes] = bodiesOf(row);
    const labels = row.kind === "notification" ? "notification" : row.kind === "malformed" ? "message" : "request";
    for (const [label, text] of [[labels, request], ["answer", answer], ...others.map((one) => ["message", one]),
      ...notes.map((one) => ["note", one])]) if (text !== null) body(label, text);
  }
  function body(label, text) {
    const head = make("h3", "", label), copy = make("button", "", "copy");
    copy.addEventListener("click", () => navigator.clipboard?.writeText(text).then(() => { copy.textContent = "copied"; }));
    head.append(copy);
    const pre = make("pre");
    const pretty = text.length < HUGE && /^\s*[[{]/.test(text) ? indented(text) : text;
    coloured(pre, pretty.slice(0, LONG));
    detail.append(head, pre);
    for (const image of images(text)) detail.append(image);
    if (pretty.length <= LONG) return;
    const more = make("p", "more", `${(pretty.length - LONG).toLocaleString()} characters more`);
    more.addEventListener("click", () => { more.remove(); pre.append(pretty.slice(LONG)); });
    detail.append(more);
  }
  // Lays JSON out without reading it: every number, escape and double member stays as it was.
  function indented(text) {
    const out = [];
    let depth = 0;
    const next = () => "\n" + "  ".repeat(depth);
    for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[[\]{},:]|[^\s"[\]{},:]+/g)) {
      if (token === "{" || token === "[") { out.push(token); depth++; out.push(next()); }
      else if (token === "}" || token === "]") {
        depth = Math.max(0, depth - 1);
        if (/^\n\s*$/.test(out[out.length - 1])) out.pop(); else out.push(next());
        out.push(token);
      } else if (token === ",") out.push(token, next());
      else if (token === ":") out.push(": ");
      else out.push(token);
    }
    return out.join("");
  }
  function coloured(pre, text) {
    const pattern = /("(?:[^"\\\n]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)\b/g;
    let at = 0;
    for (const hit of text.matchAll(pattern)) {
      pre.append(text.slice(at, hit.index));
      const word = hit[1] && hit[1].length > 2000 ? hit[1].slice(0, 2000) + `… ${hit[1].length - 2000} more"` : hit[1];
      pre.append(make("span", hit[1] ? (hit[2] ? "k" : "s") : "n", hit[1] ? word : hit[3]), hit[2] || "");
      at = hit.index + hit[0].length;
    }
    pre.append(text.slice(at));
  }
  // An image of a result, as an image element: no script runs in one.
  function images(text) {
    let content;
    try { content = JSON.parse(text).result.content; } catch { return []; }
    if (!Array.isArray(content)) return [];
    return content.filter((one) => one && one.type === "image" && typeof one.data === "string" &&
      /^image\/(png|jpeg|gif|webp|bmp)$/.test(one.mimeType) && /^[A-Za-z0-9+/=]+$/.test(one.data)).map((one) => {
      const image = make("img");
      image.src = `data:${one.mimeType};base64,${one.data}`;
      image.alt = one.mimeType;
      return image;
    });
  }
  function go(row) {
    if (!found.includes(row)) { search.value = ""; range = null; chosen.style.display = "none"; find(); }
    const place = found.indexOf(row);
    if (place * ROW < list.scrollTop) list.scrollTop = place * ROW;
    if ((place + 1) * ROW > list.scrollTop + list.clientHeight) list.scrollTop = (place + 1) * ROW - list.clientHeight;
    pick(row);
  }

  list.addEventListener("scroll", paint, {passive: true});
  search.addEventListener("input", () => { clearTimeout(find.timer); find.timer = setTimeout(find, 120); });
  all.addEventListener("click", () => { search.value = ""; range = null; chosen.style.display = "none"; find(); });
  window.addEventListener("resize", () => { paint(); draw(); });
  let from = null;
  const at = (event) => event.clientX - time.getBoundingClientRect().left;
  time.addEventListener("pointerdown", (event) => { from = at(event); time.setPointerCapture(event.pointerId); });
  time.addEventListener("pointermove", (event) => {
    if (from === null) return;
    chosen.style.display = "block";
    chosen.style.left = `${Math.min(from, at(event))}px`;
    chosen.style.width = `${Math.abs(at(event) - from)}px`;
  });
  time.addEventListener("pointerup", (event) => {
    const [left, right] = [from, at(event)].sort((a, b) => a - b).map((x) => first + x / scale());
    if (Math.abs(at(event) - from) > 4) { range = [left, right]; find(); } else {
      range = null;
      chosen.style.display = "none";
      find();
      const near = found.reduce((best, row) => Math.abs(row.at - left) < Math.abs(best.at - left) ? row : best,
        found[0]);
      if (near) go(near);
    }
    from = null;
  });
  document.addEventListener("keydown", (event) => {
    if (event.target === search) { if (event.key === "Escape") search.blur(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const here = found.indexOf(picked), page = Math.floor(list.clientHeight / ROW);
    const to = {j: here + 1, ArrowDown: here + 1, k: here - 1, ArrowUp: here - 1, PageDown: here + page,
      PageUp: here - page, Home: 0, g: 0, End: found.length - 1, G: found.length - 1}[event.key];
    if (to !== undefined && found.length) {
      event.preventDefault();
      go(found[Math.min(found.length - 1, Math.max(0, to))]);
    }
    if (event.key === "/") { event.preventDefault(); search.focus(); }
    if (event.key === "}" || event.key === "{") {
      const next = event.key === "}" ? found.slice(here + 1).find((row) => BAD.has(row.status)) :
        found.slice(0, Math.max(0, here)).reverse().find((row) => BAD.has(row.status));
      if (next) go(next);
    }
  });
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  // #42 opens an exchange, #words searches for them: a place in the page can be sent as a link.
  const asked = decodeURIComponent(location.hash.slice(1));
  if (!places.has(Number(asked))) search.value = asked;
  find();
  if (places.has(Number(asked))) go(rows[places.get(Number(asked))]);
  else if (rows.length) pick(found[0] || rows[0]); else detail.append(make("p", "", "Nothing was recorded."));
  list.focus({preventScroll: true});
  document.documentElement.dataset.ready = Math.round(performance.now()); // ms since it was opened
})();
