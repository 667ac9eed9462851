// Half-filled forms: what stands in a form marked data-draft is kept on the server when the typing pauses, at the latest
// every 15 seconds, and offered again when the same person opens the same page. Passwords, files and hidden fields are never kept.
(function () {
  "use strict";

  var EVERY = 15000;
  var PAUSE = 3000;
  var pause = null;
  var form = null;
  var dirty = false;
  var sent = false;
  var note = null;

  function address() {
    var lock = document.getElementById("lock");
    return lock ? lock.dataset.draft : "";
  }

  // A form in the drawer is the same form as on its own page.
  function path() {
    var to = new URL(form.getAttribute("action") || window.location.href, window.location.href);
    return to.pathname + to.search;
  }

  function keeps(field) {
    return field.name && !field.disabled && !/^(hidden|password|file|submit|button|reset|image)$/.test(field.type) && !field.closest("[data-draft-skip]");
  }

  function fields() {
    var found = [];
    Array.prototype.forEach.call(form.elements, function (field) {
      if (!keeps(field)) {
        return;
      }
      if (field.type === "checkbox" || field.type === "radio") {
        if (field.checked) {
          found.push([field.name, field.value]);
        }
      } else if (field.type === "select-multiple") {
        Array.prototype.forEach.call(field.selectedOptions, function (option) {
          found.push([field.name, option.value]);
        });
      } else {
        found.push([field.name, field.value]);
      }
    });
    return found;
  }

  function post(content, last) {
    var body = new URLSearchParams();
    body.append("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    body.append("path", path());
    body.append("fields", content);
    return window.fetch(address(), {
      method: "POST", credentials: "same-origin", keepalive: Boolean(last), headers: { Accept: "application/json" }, body: body
    });
  }

  function save(last) {
    if (!form || !dirty || sent || !document.contains(form)) {
      return;
    }
    dirty = false;
    post(JSON.stringify(fields()), last)
      .then(function (response) {
        return response.ok ? response.json() : null;
      })
      .then(function (answer) {
        if (answer && answer.saved && note) {
          note.textContent = "已自动保存 " + answer.saved + "，没有提交";
        }
      })
      .catch(function () {
        dirty = true;
      });
  }

  function drop() {
    if (form) {
      post("", true).catch(function () {});
    }
  }

  function restore(kept) {
    var left = kept.slice();
    Array.prototype.forEach.call(form.elements, function (field) {
      if (!keeps(field)) {
        return;
      }
      if (field.type === "checkbox" || field.type === "radio") {
        field.checked = left.some(function (pair) {
          return pair[0] === field.name && pair[1] === field.value;
        });
      } else if (field.type === "select-multiple") {
        Array.prototype.forEach.call(field.options, function (option) {
          option.selected = left.some(function (pair) {
            return pair[0] === field.name && pair[1] === option.value;
          });
        });
      } else {
        var place = left.findIndex(function (pair) {
          return pair[0] === field.name;
        });
        if (place >= 0) {
          field.value = left[place][1];
          left.splice(place, 1);
        }
      }
      field.dispatchEvent(new Event("change", { bubbles: true }));
    });
    dirty = true;
  }

  function button(words, look, act) {
    var made = document.createElement("button");
    made.type = "button";
    made.className = "btn btn-sm " + look;
    made.textContent = words;
    made.addEventListener("click", act);
    return made;
  }

  function offer(saved, kept) {
    var bar = document.createElement("div");
    bar.className = "draft-bar";
    bar.setAttribute("role", "status");
    var words = document.createElement("span");
    words.textContent = "您在 " + saved + " 填过这张表单，没有提交。";
    bar.appendChild(words);
    bar.appendChild(button("恢复未保存的内容", "btn-primary", function () {
      restore(kept);
      bar.remove();
    }));
    bar.appendChild(button("不要了", "", function () {
      drop();
      bar.remove();
    }));
    form.parentNode.insertBefore(bar, form);
  }

  function look() {
    var found = document.querySelector("form[data-draft]");
    if (!found || found === form || !address() || !found.querySelector("[name=csrfmiddlewaretoken]")) {
      return;
    }
    form = found;
    dirty = sent = false;
    note = document.createElement("div");
    note.className = "draft-note";
    note.setAttribute("aria-live", "off");
    form.appendChild(note);
    window
      .fetch(address() + "?path=" + encodeURIComponent(path()), { credentials: "same-origin", headers: { Accept: "application/json" } })
      .then(function (response) {
        return response.ok ? response.json() : null;
      })
      .then(function (answer) {
        if (answer && answer.saved && answer.fields.length) {
          offer(answer.saved, answer.fields);
        }
      })
      .catch(function () {});
  }

  function changed(event) {
    if (form && form.contains(event.target)) {
      dirty = true;
      window.clearTimeout(pause);
      pause = window.setTimeout(save, PAUSE);
    }
  }

  document.addEventListener("input", changed);
  document.addEventListener("change", changed);
  // Sent: the server forgets what was kept once it has taken the form (portal.people.gate); the name of the page goes along.
  document.addEventListener("submit", function (event) {
    if (!form || event.target !== form) {
      return;
    }
    sent = true;
    var field = document.createElement("input");
    field.type = "hidden";
    field.name = "draft_path";
    field.value = path();
    form.appendChild(field);
  });
  window.addEventListener("pagehide", function () {
    save(true);
  });
  window.addEventListener("pageshow", function () {
    sent = false;
  });
  window.setInterval(save, EVERY);
  document.addEventListener("DOMContentLoaded", look);
  document.addEventListener("htmx:afterSettle", look);

  window.portal.drafts = { save: save };
})();
