// A approves and R goes to the reason for returning, where one proposal is shown and no field has the focus (ui.md).
(function () {
  "use strict";

  var FIELDS = 'input:not([type="checkbox"]):not([type="radio"]),textarea,select';

  document.addEventListener("keydown", function (event) {
    if (event.isComposing || event.keyCode === 229 || event.ctrlKey || event.metaKey || event.altKey || event.repeat) {
      return;
    }
    var active = document.activeElement;
    if (active && active.matches(FIELDS)) {
      return;
    }
    var key = event.key.toLowerCase();
    if (key !== "a" && key !== "r") {
      return;
    }
    var drawer = document.getElementById("drawer");
    var place = drawer && !drawer.hidden ? drawer : document;
    var target = place.querySelector('[data-key="' + key + '"]');
    if (!target) {
      return;
    }
    event.preventDefault();
    if (target.matches("button")) {
      target.click();
    } else {
      target.focus();
    }
  });

  // A form that takes the place of a masked value wants the reason at once.
  document.addEventListener("htmx:afterSettle", function (event) {
    var field = event.target && event.target.querySelector ? event.target.querySelector(".eye-form input[name=reason]") : null;
    if (field) {
      field.focus();
    }
  });
})();
