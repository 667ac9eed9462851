// Keys of 对码工作台, 待审核 and the round of an approval. Each key presses a button or a link that is on the page, so
// that everything works without this file too. Keys count only while no field has the focus.
(function () {
  "use strict";

  // A second tap of an impatient finger must not take the code of an item that nobody has seen yet.
  var GRACE = 250;
  var busy = false;
  var ready = Date.now() + GRACE;

  function inField(element) {
    return Boolean(element) && (element.matches('textarea,select,input:not([type="checkbox"]):not([type="radio"])') || element.isContentEditable);
  }

  function all(selector, root) {
    return Array.prototype.slice.call((root || document).querySelectorAll(selector));
  }

  function open() {
    var drawer = document.getElementById("drawer");
    return drawer && !drawer.hidden ? drawer : null;
  }

  function help() {
    return document.querySelector("[data-keys]");
  }

  function toggleHelp() {
    var place = help();
    if (!place) {
      return false;
    }
    place.hidden = !place.hidden;
    if (!place.hidden) {
      place.focus({ preventScroll: true });
    }
    return true;
  }

  function press(element) {
    if (!element || element.disabled) {
      return false;
    }
    if (element.matches("summary")) {
      element.parentElement.open = true;
      var field = element.parentElement.querySelector("select,textarea,input:not([type=hidden])");
      if (field) {
        field.focus();
      }
      return true;
    }
    element.click();
    return true;
  }

  function moveCard(step) {
    var cards = all("[data-card]");
    if (!cards.length) {
      return false;
    }
    var now = document.querySelector("[data-card].is-chosen");
    var at = now ? cards.indexOf(now) : -1;
    var next = cards[Math.min(Math.max(at + step, 0), cards.length - 1)];
    if (now) {
      now.classList.remove("is-chosen");
    }
    next.classList.add("is-chosen");
    next.scrollIntoView({ block: "nearest" });
    return true;
  }

  function onBench(key) {
    if (key === "ArrowDown" || key === "ArrowUp") {
      return moveCard(key === "ArrowDown" ? 1 : -1);
    }
    if (key === "Enter") {
      return press(document.querySelector("[data-card].is-chosen button[data-key]"));
    }
    var field = document.querySelector('[data-bench] [data-field="' + key.toLowerCase() + '"]');
    if (field) {
      field.focus();
      field.select();
      return true;
    }
    if (key.toLowerCase() === "d") {
      var days = document.querySelector("[data-days]");
      if (!days) {
        return false;
      }
      days.open = true;
      days.querySelector("input").focus();
      return true;
    }
    return press(document.querySelector('[data-bench] [data-key="' + (key.length === 1 ? key.toLowerCase() : key) + '"]'));
  }

  // A and R act on the ticked rows; where none is ticked, on the row one stands on.
  function onApprovals(place, card, key) {
    if (!card) {
      return false;
    }
    if (key === "x") {
      var page = card.querySelector("[data-select-page]");
      var every = card.querySelector("[data-choose-all]");
      if (page && page.checked && every && !every.hidden) {
        every.click();
      } else if (page) {
        page.click();
      }
      return true;
    }
    var name = key === "a" ? place.dataset.approve : key === "r" ? place.dataset.giveBack : "";
    if (!name) {
      return false;
    }
    if (!card.querySelector('input[name="row"]:checked')) {
      var row = card.querySelector("tr.is-current") || card.querySelector("tbody tr");
      return Boolean(row) && press(row.querySelector('button[name="only"][formaction="' + name + '"]'));
    }
    return press(card.querySelector('button[type="submit"][formaction="' + name + '"]:not([name="only"])'));
  }

  function onKey(event) {
    var active = document.activeElement;
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey || inField(active)) {
      return;
    }
    if (event.key === "?" && toggleHelp()) {
      event.preventDefault();
      return;
    }
    if (event.key === "Escape" && help() && !help().hidden) {
      toggleHelp();
      event.stopPropagation();
      return;
    }
    var onControl = Boolean(active) && active.matches("a,button,summary") && (event.key === "Enter" || event.key === " ");
    if (onControl) {
      return;
    }
    var bench = document.querySelector("[data-bench]");
    var round = document.querySelector("[data-round]");
    var approvals = document.querySelector("[data-approvals]");
    if ((!bench && !round && !approvals) || event.repeat || busy || Date.now() < ready) {
      if (bench && event.repeat && /^[1-9sn]$/i.test(event.key)) {
        event.preventDefault();
      }
      return;
    }
    var done = false;
    var drawer = open();
    if (drawer) {
      var inside = drawer.querySelector('[data-key="' + event.key.toLowerCase() + '"]');
      done = inside ? press(inside) : false;
    } else if (bench) {
      done = onBench(event.key);
    } else if (round) {
      done = press(round.querySelector('[data-key="' + event.key.toLowerCase() + '"]'));
    } else if (approvals) {
      done = onApprovals(approvals, document.getElementById("list-card"), event.key.toLowerCase());
    }
    if (done) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  document.addEventListener("keydown", onKey, true);

  // The bench's own forms and links swap the bench alone.
  function send(method, url, values) {
    busy = true;
    var done = function () {
      busy = false;
      ready = Date.now() + GRACE;
    };
    window.htmx.ajax(method, url, { target: "#bench", swap: "outerHTML", values: values }).then(done, done);
  }

  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (!window.htmx || !form.matches("[data-act]") || event.defaultPrevented) {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (busy) {
      return;
    }
    var values = {};
    new FormData(form).forEach(function (value, name) {
      values[name] = value;
    });
    var by = event.submitter;
    if (by && by.name) {
      values[by.name] = by.value;
    }
    send(form.method.toUpperCase(), form.getAttribute("action"), values);
  }, true);

  document.addEventListener("click", function (event) {
    var link = event.target.closest("a[data-go]");
    if (link && window.htmx && document.getElementById("bench") && !event.ctrlKey && !event.metaKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      if (!busy) {
        send("GET", link.getAttribute("href"), {});
      }
      return;
    }
    if (event.target.closest("[data-keys-open]") && help()) {
      event.preventDefault();
      toggleHelp();
    }
  });

  document.addEventListener("change", function (event) {
    var field = event.target;
    if (field.matches("select[data-submit]")) {
      field.form.submit();
      return;
    }
    var bulk = field.closest("[data-bulk]");
    if (!bulk) {
      return;
    }
    var boxes = all('input[name="row"]', bulk);
    if (field.matches("[data-bulk-all]")) {
      boxes.forEach(function (box) {
        box.checked = field.checked;
      });
    }
    var number = boxes.filter(function (box) {
      return box.checked;
    }).length;
    bulk.querySelector("[data-bulk-count]").textContent = String(number);
    bulk.querySelector("[data-bulk-button]").disabled = number === 0;
  });

  // In the drawer the button that confirms has the focus, so that Enter is enough.
  document.addEventListener("htmx:afterSettle", function (event) {
    if (event.detail.target && event.detail.target.id === "drawer-body") {
      var field = event.detail.target.querySelector("[data-confirm]");
      if (field) {
        field.focus();
      }
    }
  });
})();
