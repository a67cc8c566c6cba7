"use strict";
// Everything that is shown goes through textContent: a Wukong file may come from anyone.
(() => {
  const at = (id) => document.getElementById(id);
  const file = at("file"), numbers = at("numbers"), told = at("told"), problems = at("problems");
  const yaml = at("yaml"), object = at("object"), disks = at("disks"), read = document.querySelector(".read");
  const encoder = new TextEncoder(), decoder = new TextDecoder();
  // Changes within this time, in milliseconds, are answered once.
  const PAUSE = 120;
  // Of a longer line only this many characters around the place are shown.
  const SHOWN = 72;
  let compiled, library, sheet, documents = [];

  async function start() {
    const packed = Uint8Array.from(atob(at("library").textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    compiled = await WebAssembly.compile(await new Response(stream).arrayBuffer());
    await open();
    at("version").textContent = "libwukong " + call("version", []).version + ", in this page";
    look();
  }

  const open = async () => { library = (await WebAssembly.instantiate(compiled, {})).exports; };

  // Calls a function of the library with texts, as wukong.h describes it.
  function call(name, texts) {
    const held = texts.map((text) => {
      const bytes = encoder.encode(text), place = library.wukong_alloc(bytes.length);
      if (place === 0 && bytes.length > 0) throw new Error("there is not enough memory");
      new Uint8Array(library.memory.buffer, place, bytes.length).set(bytes);
      return [place, bytes.length];
    });
    const answer = library["wukong_" + name](...held.flat(), 0);
    // The memory may have grown, and moved, during the call.
    const memory = new Uint8Array(library.memory.buffer);
    const text = decoder.decode(memory.slice(answer, memory.indexOf(0, answer)));
    library.wukong_free(answer);
    held.forEach(([place, length]) => library.wukong_release(place, length));
    return JSON.parse(text);
  }

  function element(tag, name, text) {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  }

  function look() {
    const text = file.value, namespace = at("namespace").value.trim();
    const options = { name: "the file" };
    if (namespace) options.namespace = namespace;
    try {
      const report = call("validate", [text, JSON.stringify(options)]);
      if (report.error) return refuse(report.error.message + ". " + report.error.help);
      report.problems.forEach((problem, place) => { problem.key = place; });
      showProblems(report, text);
      if (report.valid) showResult(call("render", [text, JSON.stringify({ ...options, yaml: true, picture: "svg" })]));
      else old(true);
    } catch (error) {
      // A panic ends the instance; the next call has a new one.
      refuse("The library stopped: " + error.message);
      open();
    }
  }

  function refuse(message) {
    told.textContent = message;
    told.className = "told error";
    problems.replaceChildren();
    gutter(file.value, []);
    old(true);
  }

  function old(is) {
    read.classList.toggle("old", is);
    at("stale").hidden = !is || documents.length === 0;
  }

  const count = (number, word) => number + " " + word + (number === 1 ? "" : "s");

  function showProblems(report, text) {
    const { errors, warnings } = report;
    const parts = [errors && count(errors, "error"), warnings && count(warnings, "warning")].filter(Boolean);
    told.textContent = parts.length ? parts.join(", ") : "Valid";
    told.className = errors ? "told error" : "told good";
    const lines = text.split("\n");
    gutter(text, report.problems);
    problems.replaceChildren(...report.problems.map((problem) => {
      const item = element("li", problem.severity), button = element("button");
      button.type = "button";
      const head = element("span");
      head.append(element("strong", "", problem.severity + " " + problem.code), " ", problem.message);
      button.append(head);
      if (problem.line) {
        button.append(" ", element("span", "place", "line " + problem.line + ", column " + problem.column));
        button.append(element("code", "", excerpt(lines[problem.line - 1] ?? "", problem)));
        button.addEventListener("click", () => jump(lines, problem));
      }
      if (problem.help) button.append(element("span", "help", "→ " + problem.help));
      item.append(button);
      return item;
    }));
  }

  // The line of a problem with carets below it; columns count characters, not the units of JavaScript.
  function excerpt(line, { line: first, column, endLine, endColumn }) {
    const all = Array.from(line), from = Math.max(0, column - 1 - SHOWN / 2);
    const shown = all.slice(from, from + SHOWN), begin = column - 1 - from;
    const end = endLine === first ? endColumn - column : all.length - column + 1;
    const carets = "^".repeat(Math.max(1, Math.min(end, shown.length - begin)));
    // A wide character takes the place of two, a tab that of more.
    const blank = shown.slice(0, begin).map((c) => (c === "\t" ? "\t" : c.codePointAt(0) > 0x10ff ? "\u3000" : " "));
    return shown.join("") + "\n" + blank.join("") + carets;
  }

  function jump(lines, problem) {
    const offset = (line, column) => {
      const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
      return before + Array.from(lines[line - 1] ?? "").slice(0, column - 1).join("").length;
    };
    const from = offset(problem.line, problem.column);
    file.focus();
    file.setSelectionRange(from, Math.max(from, offset(problem.endLine, problem.endColumn)));
    file.scrollTop = Math.max(0, (problem.line - 6) * 20);
    file.scrollIntoView({ block: "nearest" });
  }

  function gutter(text, found) {
    const worst = new Map();
    for (const { line, severity } of found) if (worst.get(line) !== "error") worst.set(line, severity);
    const many = text.split("\n").length;
    const rows = [];
    for (let line = 1; line <= many; line++) rows.push(element("span", worst.get(line), line));
    numbers.replaceChildren(...rows);
    numbers.scrollTop = file.scrollTop;
  }

  function showResult(answer) {
    if (answer.error) return refuse(answer.error.message + ". " + answer.error.help);
    old(false);
    documents = answer.documents;
    told.textContent += (told.textContent === "Valid" ? ": " : "; ") + count(documents.length, "object");
    const chosen = object.value;
    const names = documents.map(({ kind, name }) => kind + " " + name);
    const choices = ["all " + documents.length, ...names].map((name, place) => {
      const choice = element("option", "", name);
      choice.value = place === 0 ? "" : name;
      return choice;
    });
    object.replaceChildren(...choices);
    object.value = names.includes(chosen) ? chosen : "";
    showYaml();
    showPicture(answer.picture);
  }

  function showYaml() {
    const wanted = documents.filter(({ kind, name }) => object.value === "" || object.value === kind + " " + name);
    yaml.textContent = wanted.map(({ text }) => text).join("");
  }

  function showPicture(text) {
    // The policy of the page allows no styles but its own, not even while a text is read. The picture's come from the
    // library, and are the same each time; no name can write such a tag, since it would be escaped.
    const begin = text.indexOf("<style>"), end = text.indexOf("</style>");
    if (!sheet) {
      sheet = new CSSStyleSheet();
      sheet.replaceSync(text.slice(begin + "<style>".length, end));
      document.adoptedStyleSheets = [sheet];
    }
    const bare = text.slice(0, begin) + text.slice(end + "</style>".length);
    const parsed = new DOMParser().parseFromString(bare, "image/svg+xml"), picture = parsed.documentElement;
    if (parsed.querySelector("parsererror") || picture.localName !== "svg") {
      disks.replaceChildren(element("p", "told error", "The picture cannot be read."));
      return;
    }
    disks.replaceChildren(document.importNode(picture, true));
  }

  const tabs = [at("tab-manifests"), at("tab-disks")];
  function choose(tab) {
    for (const each of tabs) {
      const on = each === tab;
      each.setAttribute("aria-selected", String(on));
      each.tabIndex = on ? 0 : -1;
      at(each.getAttribute("aria-controls")).hidden = !on;
    }
  }
  tabs.forEach((tab, place) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", ({ key }) => {
      if (key !== "ArrowLeft" && key !== "ArrowRight") return;
      const next = tabs[(place + 1) % tabs.length];
      choose(next);
      next.focus();
    });
  });

  let waiting;
  const changed = () => { clearTimeout(waiting); waiting = setTimeout(() => library && look(), PAUSE); };
  file.addEventListener("input", changed);
  at("namespace").addEventListener("input", changed);
  file.addEventListener("scroll", () => { numbers.scrollTop = file.scrollTop; });
  object.addEventListener("change", showYaml);
  at("copy").addEventListener("click", async ({ currentTarget: button }) => {
    try {
      await navigator.clipboard.writeText(yaml.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(yaml);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  gutter(file.value, []);
  start().catch((error) => refuse("This browser cannot load the library: " + error.message));
})();
