// 接口调试: finding a transaction, rows in place, lists of codes, saving while one types.
// Every page works without this file: buttons post, the browser shows its own lists.
(function () {
  "use strict";

  var PAUSE = 2000;

  function all(root, selector) {
    return Array.prototype.slice.call(root.querySelectorAll(selector));
  }

  // --- Picking a transaction -------------------------------------------------------------------------------------

  function visible(pick) {
    return all(pick, "[data-pick-item]").filter(function (item) {
      return !item.hidden;
    });
  }

  function narrow(pick, words) {
    all(pick, "[data-pick-item]").forEach(function (item) {
      item.hidden = !words.every(function (word) {
        return item.dataset.pickItem.indexOf(word) >= 0;
      });
    });
    all(pick, "[data-pick-chapter]").forEach(function (chapter) {
      chapter.hidden = !chapter.querySelector("[data-pick-item]:not([hidden])");
    });
    pick.querySelector("[data-pick-none]").hidden = visible(pick).length > 0;
    mark(pick, words.length ? 0 : -1);
  }

  function mark(pick, place) {
    visible(pick).forEach(function (item, at) {
      var link = item.querySelector("a");
      link.classList.toggle("is-current", at === place);
      if (at === place) {
        link.scrollIntoView({ block: "nearest" });
      }
    });
    pick.dataset.place = place;
  }

  function startPicking(pick) {
    var input = pick.querySelector("[data-pick-words]");
    input.addEventListener("input", function () {
      narrow(pick, input.value.toLowerCase().split(/\s+/).filter(Boolean));
    });
    input.addEventListener("keydown", function (event) {
      var items = visible(pick);
      var place = Number(pick.dataset.place || -1);
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        mark(pick, Math.max(0, Math.min(items.length - 1, place + (event.key === "ArrowDown" ? 1 : -1))));
      } else if (event.key === "Enter" && items[place] && !event.isComposing) {
        event.preventDefault();
        items[place].querySelector("a").click();
      }
    });
  }

  // --- Rows ------------------------------------------------------------------------------------------------------

  var PLACES = ["name", "id", "for", "value", "href", "data-row", "data-section", "data-add", "data-copy", "data-drop"];

  function rename(root, from, to) {
    var plain = from.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    var pattern = new RegExp("(^|[:=]|^[is]-)" + plain + "(?=$|\\.)");
    [root].concat(all(root, "*")).forEach(function (element) {
      PLACES.forEach(function (name) {
        // what somebody typed is no place
        if (element.hasAttribute(name) && !(name === "value" && element.tagName !== "BUTTON")) {
          element.setAttribute(name, element.getAttribute(name).replace(pattern, "$1" + to));
        }
      });
    });
  }

  function section(element) {
    return element.closest("[data-many]");
  }

  function rowsOf(place) {
    return all(place, "[data-row]").filter(function (row) {
      return section(row) === place;
    });
  }

  function renumber(place) {
    var rows = rowsOf(place);
    rows.forEach(function (row, at) {
      var wanted = place.dataset.section + "." + at;
      if (row.dataset.row !== wanted) {
        rename(row, row.dataset.row, wanted);
      }
      row.querySelector("[data-number]").textContent = at + 1;
    });
    place.querySelector("[data-count]").textContent = rows.length;
    var jump = document.querySelector('[data-jump="' + place.dataset.section + '"] .tab-count');
    if (jump) {
      jump.textContent = rows.length;
    }
  }

  function settled(place, row) {
    renumber(place);
    row.classList.add("is-new");
    row.scrollIntoView({ block: "nearest" });
    var first = row.querySelector("input:not([type=hidden]), textarea");
    if (first) {
      first.focus();
    }
  }

  function add(place) {
    var prototype = document.querySelector('template[data-prototype="' + place.dataset.node + '"]');
    var row = document.importNode(prototype.content, true).querySelector("[data-row]");
    rename(row, "@@", place.dataset.section + ".x");
    row.dataset.row = place.dataset.section + ".x";
    place.querySelector("[data-rows]").appendChild(row);
    settled(place, row);
  }

  function copy(row) {
    var twin = row.cloneNode(true);
    var typed = all(row, "input, textarea");
    all(twin, "input, textarea").forEach(function (input, at) {
      if (input.type !== "file") {
        input.value = typed[at].value;
      }
    });
    row.parentNode.insertBefore(twin, row.nextSibling);
    // the twin must not answer to its model's place while both are renumbered
    rename(twin, row.dataset.row, section(row).dataset.section + ".x");
    settled(section(row), twin);
  }

  function drop(row) {
    var filled = all(row, "input:not([type=hidden]), textarea").some(function (input) {
      return input.value;
    });
    if (filled && !window.confirm("这一行已经填写，确定删除？")) {
      return;
    }
    var place = section(row);
    row.remove();
    renumber(place);
  }

  function press(form, event) {
    var button = event.target.closest("[data-add], [data-copy], [data-drop]");
    if (!button) {
      return;
    }
    event.preventDefault();
    if (button.dataset.add) {
      add(section(button));
    } else if (button.dataset.copy) {
      copy(button.closest("[data-row]"));
    } else {
      drop(button.closest("[data-row]"));
    }
    touch(form);
  }

  // --- Saving while one types ------------------------------------------------------------------------------------

  var timer = 0;
  var saving = null;
  var held = false;

  function say(form, words) {
    var place = form.querySelector("[data-saved]");
    if (place) {
      place.textContent = words;
    }
  }

  function body(form) {
    var fields = new URLSearchParams();
    new FormData(form).forEach(function (value, name) {
      if (typeof value === "string") {
        fields.append(name, value);
      }
    });
    fields.append("act", "autosave");
    return fields;
  }

  function save(form) {
    window.clearTimeout(timer);
    timer = 0;
    if (saving || held) {
      return;
    }
    saving = fetch(form.getAttribute("action"), { method: "POST", body: body(form), credentials: "same-origin", redirect: "error" })
      .then(function (answer) {
        return answer.json().then(function (said) {
          say(form, said.words);
          if (!answer.ok) {
            held = true; // another window saved: this one waits for a person
            return;
          }
          form.querySelector("[data-version]").value = said.version;
          if (form.getAttribute("action") !== said.url) {
            form.setAttribute("action", said.url);
            window.history.replaceState(null, "", said.url);
          }
        });
      })
      .catch(function () {
        say(form, "没有自动保存（网络中断或登录超时），请点「存草稿」");
      })
      .then(function () {
        saving = null;
      });
  }

  function touch(form) {
    if (!form.hasAttribute("data-autosave")) {
      return;
    }
    window.clearTimeout(timer);
    timer = window.setTimeout(function () {
      save(form);
    }, PAUSE);
  }

  function startForm(form) {
    form.addEventListener("click", function (event) {
      press(form, event);
    });
    form.addEventListener("input", function (event) {
      var box = event.target.closest(".debug-box");
      if (box) {
        box.classList.toggle("is-filled", event.target.value !== "");
      }
      touch(form);
    });
    form.addEventListener("submit", function (event) {
      var button = event.submitter;
      window.clearTimeout(timer);
      var sure = button && button.dataset.sureFilled;
      if (sure && form.querySelector(".debug-box.is-filled, #json") && !window.confirm(sure)) {
        event.preventDefault();
        return;
      }
      if (saving) {
        // its answer brings the version without which this save would seem to come from another window
        event.preventDefault();
        saving.then(function () {
          form.requestSubmit(button || undefined);
        });
      }
    });
    var problems = document.getElementById("problems");
    if (problems && problems.classList.contains("has-errors")) {
      problems.focus({ preventScroll: true });
    }
  }

  // --- Going to a place ------------------------------------------------------------------------------------------

  function unfold(element) {
    for (var fold = element.closest("details"); fold; fold = fold.parentElement.closest("details")) {
      fold.open = true;
    }
  }

  document.addEventListener("click", function (event) {
    var link = event.target.closest("[data-goto], [data-jump]");
    if (!link) {
      return;
    }
    var name = link.dataset.goto === undefined ? "s-" + link.dataset.jump : "i-" + link.dataset.goto;
    var place = document.getElementById(name) || document.getElementById("s-" + link.dataset.goto) || document.getElementById("insuplc");
    if (!place) {
      return;
    }
    event.preventDefault();
    unfold(place);
    (place.closest(".debug-box") || place).scrollIntoView({ block: "start" });
    if (place.matches("input, textarea")) {
      place.focus({ preventScroll: true });
    }
    all(document, "[data-jump]").forEach(function (one) {
      one.classList.toggle("is-current", one === link);
    });
  });

  document.addEventListener("submit", function (event) {
    var words = event.target.dataset.sure;
    if (words && !window.confirm(words)) {
      event.preventDefault();
    }
  });

  document.addEventListener("keydown", function (event) {
    if (event.target.matches("label.debug-only") && (event.key === " " || event.key === "Enter")) {
      event.preventDefault();
      event.target.click();
    }
  });

  // --- Lists of codes --------------------------------------------------------------------------------------------

  var MOST = 300;
  var list = null;
  var owner = null;
  var current = -1;

  function options(input) {
    return all(document.getElementById(input.dataset.list) || document.createElement("i"), "option").map(function (option) {
      return { code: option.value, label: option.textContent };
    });
  }

  function word(input) {
    var place = input.parentElement.querySelector("[data-word]");
    var known = options(input).filter(function (option) {
      return option.code === input.value;
    })[0];
    if (place) {
      place.textContent = known ? known.label : "";
    }
  }

  function shut() {
    if (list) {
      list.remove();
    }
    list = owner = null;
    current = -1;
  }

  function choose(input, code) {
    input.value = code;
    shut();
    word(input);
    input.dispatchEvent(new Event("input", { bubbles: true }));
    shut();
  }

  function point(at) {
    var shown = all(list, ".debug-option");
    current = Math.max(0, Math.min(shown.length - 1, at));
    shown.forEach(function (item, place) {
      item.classList.toggle("is-current", place === current);
    });
    if (shown[current]) {
      shown[current].scrollIntoView({ block: "nearest" });
    }
  }

  function line(input, option) {
    var item = document.createElement("div");
    item.className = "debug-option";
    item.setAttribute("role", "option");
    item.dataset.code = option.code;
    var code = document.createElement("span");
    code.className = "mono";
    code.textContent = option.code;
    item.appendChild(code);
    item.appendChild(document.createTextNode(option.label));
    return item;
  }

  function open(input, everything) {
    shut();
    var typed = input.value.trim().toLowerCase();
    var known = options(input);
    var found = known.filter(function (option) {
      return everything || (option.code + " " + option.label).toLowerCase().indexOf(typed) >= 0;
    });
    if (!known.length) {
      return;
    }
    owner = input;
    list = document.createElement("div");
    list.className = "debug-options";
    list.setAttribute("role", "listbox");
    found.slice(0, MOST).forEach(function (option) {
      list.appendChild(line(input, option));
    });
    if (!found.length) {
      var none = document.createElement("div");
      none.className = "purpose";
      none.textContent = "字典中没有，可以照填（检查时提醒）";
      list.appendChild(none);
    }
    document.body.appendChild(list);
    var at = input.getBoundingClientRect();
    list.style.minWidth = at.width + "px";
    list.style.left = Math.min(at.left, window.innerWidth - list.offsetWidth - 8) + window.pageXOffset + "px";
    var below = window.innerHeight - at.bottom > list.offsetHeight + 8;
    list.style.top = (below ? at.bottom + 2 : at.top - list.offsetHeight - 2) + window.pageYOffset + "px";
    if (everything && typed) {
      point(found.map(function (option) { return option.code.toLowerCase(); }).indexOf(typed));
    }
  }

  document.addEventListener("focusin", function (event) {
    var input = event.target;
    if (!input.matches("input[data-combo]")) {
      return;
    }
    if (input.hasAttribute("list")) {
      input.dataset.list = input.getAttribute("list");
      input.removeAttribute("list");
    }
    open(input, true);
    input.select();
  });

  document.addEventListener("focusout", function (event) {
    if (event.target.matches("input[data-combo]")) {
      shut();
      word(event.target);
    }
  });

  document.addEventListener("input", function (event) {
    if (event.target.matches("input[data-combo]") && document.activeElement === event.target) {
      open(event.target, false);
    }
  });

  document.addEventListener("mousedown", function (event) {
    var item = event.target.closest(".debug-option");
    if (item && owner) {
      event.preventDefault();
      choose(owner, item.dataset.code);
    } else if (list && list.contains(event.target)) {
      event.preventDefault();
    }
  });

  document.addEventListener("keydown", function (event) {
    var input = event.target;
    if (!input.matches("input[data-combo]") || event.isComposing) {
      return;
    }
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!list) {
        open(input, true);
      }
      point(current + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && list && current >= 0) {
      event.preventDefault();
      choose(input, all(list, ".debug-option")[current].dataset.code);
    } else if (event.key === "Escape" && list) {
      event.preventDefault();
      event.stopPropagation();
      shut();
    }
  });

  all(document, "[data-pick]").forEach(startPicking);
  all(document, "form[data-debug]").forEach(startForm);
})();
