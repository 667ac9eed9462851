// A page made for paper: asks for the printer at once.
(function () {
  "use strict";
  window.addEventListener("load", function () {
    window.setTimeout(function () {
      window.print();
    }, 100);
  });
})();
