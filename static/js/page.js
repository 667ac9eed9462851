// The frame: menu folding, closing messages and drop-downs, forms that must not be sent twice.
// Every page works without this file; it only saves clicks.
(function () {
  "use strict";

  var YEAR = 365 * 24 * 3600;

  function remember(name, value) {
    document.cookie = name + "=" + value + ";path=/;max-age=" + YEAR + ";samesite=lax";
  }
  window.portal = { remember: remember };

  document.addEventListener("click", function (event) {
    var target = event.target;
    if (target.closest("[data-menu-toggle]")) {
      var narrow = document.body.classList.toggle("is-narrow");
      remember("menu", narrow ? "narrow" : "wide");
      return;
    }
    var dismiss = target.closest("[data-dismiss]");
    if (dismiss) {
      dismiss.parentElement.remove();
      return;
    }
    if (target.closest("[data-print]")) {
      window.print();
    }
    document.querySelectorAll("details.drop[open]").forEach(function (drop) {
      if (!drop.contains(target)) {
        drop.open = false;
      }
    });
  });

  // The server does the work once whatever happens (portal.lists.intent); this only shows that it has begun.
  // Disabled a moment later, because a disabled button is not sent along.
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.method !== "post" || event.defaultPrevented || form.matches("[data-selection]")) {
      return;
    }
    window.setTimeout(function () {
      form.querySelectorAll("button[type=submit]").forEach(function (button) {
        button.disabled = true;
        button.classList.add("is-busy");
      });
    }, 0);
  });

  // Coming back by the browser's button must not show buttons that stay dead.
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("button.is-busy").forEach(function (button) {
      button.disabled = false;
      button.classList.remove("is-busy");
    });
  });

  document.addEventListener(
    "toggle",
    function (event) {
      var fold = event.target;
      if (fold.dataset && fold.dataset.fold) {
        remember(fold.dataset.fold, fold.open ? "open" : "shut");
      }
    },
    true
  );
})();
