// The editor of rules: shows the fields of the chosen kind of check, adds rows, offers values.
// Everything it does can be done without it, by the buttons that it hides.
"use strict";
(function () {
  function kinds() {
    const choice = document.getElementById("id_check_kind");
    if (!choice) return;
    const show = function () {
      document.querySelectorAll(".check-params").forEach(function (fields) {
        fields.classList.toggle("hidden", !fields.classList.contains("check-params-" + choice.value));
      });
    };
    choice.addEventListener("change", show);
    show();
    document.querySelectorAll(".show-kind").forEach(function (button) { button.hidden = true; });
  }

  function button(text, act) {
    const made = document.createElement("button");
    made.type = "button";
    made.textContent = text;
    made.className = "rule-editor-button";
    made.addEventListener("click", act);
    return made;
  }

  function items(group) {
    const inner = [];
    Array.from(group.children).forEach(function (child) {
      if (child.matches("[data-row], [data-group]")) inner.push(child);
      else if (child.matches("details")) inner.push(child.querySelector("[data-group]"));
    });
    return inner;
  }

  function rename(element, from, to) {
    [element].concat(Array.from(element.querySelectorAll("*"))).forEach(function (one) {
      ["name", "data-row", "data-group"].forEach(function (attribute) {
        const value = one.getAttribute(attribute);
        if (value !== null && (value === from || value.startsWith(from + "-"))) {
          one.setAttribute(attribute, to + value.slice(from.length));
        }
      });
    });
  }

  function facts(condition) {
    const script = condition.querySelector('script[type="application/json"]');
    return script ? JSON.parse(script.textContent) : {};
  }

  const words = {
    boolean: "true or false", integer: "a whole number", number: "a number",
    date: "a date such as 2026-11-22",
  };

  function offer(row, known) {
    const fact = known[row.querySelector("select[name$='-fact']").value];
    const op = row.querySelector("select[name$='-op']").value;
    const valueless = /(exists|absent)$/.test(op);
    let value = row.querySelector("[name$='-value']");
    const many = /(^|:)(in|not_in)$/.test(op);
    if (many !== (value.tagName === "TEXTAREA")) {
      const other = document.createElement(many ? "textarea" : "input");
      if (many) { other.rows = 3; other.cols = 30; } else { other.type = "text"; other.className = "vTextField"; }
      other.name = value.name;
      other.value = many ? value.value.split(/\s*;\s*/).join("\n") : value.value.split(/\r?\n/).join("; ");
      other.setAttribute("aria-label", many ? "Values, one to a line" : "Value");
      value.replaceWith(other);
      value = other;
    }
    value.hidden = valueless;
    if (valueless) value.value = "";
    const hint = row.querySelector("[data-hint]");
    hint.textContent = "";
    const old = row.querySelector("datalist");
    if (old) old.remove();
    value.removeAttribute("list");
    if (!fact || valueless) return;
    const choices = fact[0] === "boolean" ? ["true", "false"] : fact[1];
    if (choices.length && many) {
      const lines = value.value.split(/\r?\n/).filter(Boolean);
      hint.append("Add: ");
      choices.filter(function (text) { return !lines.includes(text); }).forEach(function (text) {
        const choice = button(text, function () {
          const now = value.value.split(/\r?\n/).filter(Boolean);
          if (!now.includes(text)) value.value = now.concat(text).join("\n");
          value.rows = Math.max(3, value.value.split("\n").length);
          choice.remove();
        });
        choice.classList.add("condition-choice");
        hint.append(choice);
      });
      return;
    }
    hint.textContent = choices.length ? "One of: " + choices.join(", ") : (words[fact[0]] || "a text");
    if (choices.length) {
      const list = document.createElement("datalist");
      list.id = value.name + "-choices";
      choices.forEach(function (text) {
        const option = document.createElement("option");
        option.value = text;
        list.append(option);
      });
      row.append(list);
      value.setAttribute("list", list.id);
    }
  }

  function wire(condition) {
    const known = facts(condition);
    condition.querySelectorAll("[data-row]").forEach(function (row) { offer(row, known); });
    condition.addEventListener("change", function (event) {
      const sentence = condition.querySelector(".condition-sentence strong");
      if (sentence) sentence.textContent = "In words, before your changes:";
      const row = event.target.closest("[data-row]");
      if (row && event.target.tagName === "SELECT") offer(row, known);
      const word = condition.querySelector("[data-group] > legend > select");
      if (row && word && word.value === "always" && event.target.value) word.value = "all";
    });
    condition.querySelectorAll("[data-group]").forEach(function (group) {
      group.append(button("Add a row", function () {
        const all = items(group);
        const sample = all.filter(function (one) { return one.matches("[data-row]"); }).pop();
        const name = group.getAttribute("data-group");
        const row = sample.cloneNode(true);
        rename(row, sample.getAttribute("data-row"), name + "-" + all.length);
        row.querySelectorAll("select").forEach(function (one) { one.selectedIndex = 0; });
        row.querySelectorAll("input, textarea").forEach(function (one) { one.value = ""; });
        row.querySelectorAll(".condition-problem").forEach(function (one) { one.remove(); });
        row.classList.remove("condition-wrong");
        sample.after(row);
        offer(row, known);
      }));
    });
    condition.querySelectorAll(".condition-more").forEach(function (one) { one.hidden = true; });
  }

  function start() {
    kinds();
    document.querySelectorAll("[data-condition]").forEach(wire);
    document.querySelectorAll("[data-rows]").forEach(function (rows) {
      rows.after(button("Add a row", function () {
        const row = rows.lastElementChild.cloneNode(true);
        row.querySelectorAll("select").forEach(function (one) { one.selectedIndex = 0; });
        row.querySelectorAll("input").forEach(function (one) { one.value = ""; });
        rows.append(row);
      }));
    });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
