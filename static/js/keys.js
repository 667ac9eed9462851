// Keys, only while no field has the focus: / query, up and down rows, Space chooses, Enter opens, Esc closes.
(function () {
  "use strict";

  function inField(element) {
    if (!element) {
      return false;
    }
    if (element.matches("textarea,select") || element.isContentEditable) {
      return true;
    }
    return element.matches("input") && !element.matches('[type="checkbox"],[type="radio"],[type="submit"],[type="button"]');
  }

  function rows() {
    return Array.prototype.slice.call(document.querySelectorAll("#list-card table.grid tbody tr"));
  }

  function current() {
    return document.querySelector("#list-card tr.is-current");
  }

  function go(step) {
    var all = rows();
    if (!all.length) {
      return;
    }
    var now = current();
    var next = now ? all[Math.min(Math.max(all.indexOf(now) + step, 0), all.length - 1)] : all[0];
    if (now) {
      now.classList.remove("is-current");
    }
    next.classList.add("is-current");
    next.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  function choose(row) {
    var box = row.querySelector('input[name="row"]');
    if (box) {
      box.checked = !box.checked;
      box.dispatchEvent(new Event("change", { bubbles: true }));
    }
  }

  function openRow(row) {
    if (!row.dataset.href) {
      return;
    }
    if (window.htmx) {
      window.portal.drawer.open(row.dataset.href);
    } else {
      window.location.assign(row.dataset.href);
    }
  }

  document.addEventListener("keydown", function (event) {
    // 229: an input method is composing.
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    var active = document.activeElement;
    if (event.key === "Escape") {
      var drop = document.querySelector("details.drop[open]");
      if (drop) {
        drop.open = false;
      } else if (inField(active)) {
        active.blur();
      } else {
        window.portal.drawer.close();
      }
      return;
    }
    // In the drawer the arrows scroll.
    if (inField(active) || (active && active.closest("#drawer"))) {
      return;
    }
    var row = current();
    var onControl = Boolean(active) && active.matches('a,button,summary,input[type="checkbox"],input[type="radio"]');
    if (event.key === "/") {
      var field = document.querySelector("form[data-query] .query-field input, form[data-query] .query-field select");
      if (field) {
        event.preventDefault();
        field.focus();
        if (field.select) {
          field.select();
        }
      }
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      if (rows().length) {
        event.preventDefault();
        go(event.key === "ArrowDown" ? 1 : -1);
      }
    } else if (event.key === " " && row && !onControl) {
      event.preventDefault();
      choose(row);
    } else if (event.key === "Enter" && row && !onControl) {
      event.preventDefault();
      openRow(row);
    }
  });

  document.addEventListener("click", function (event) {
    var row = event.target.closest("#list-card table.grid tbody tr");
    if (!row) {
      return;
    }
    rows().forEach(function (other) {
      other.classList.toggle("is-current", other === row);
    });
  });
})();
