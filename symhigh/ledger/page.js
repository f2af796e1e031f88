(function () {
  var bar = document.querySelector(".filter"), words = bar.querySelector("[type=search]");
  var boxes = [].slice.call(bar.querySelectorAll("[type=checkbox]")), said = bar.querySelector("output");
  var claims = [].slice.call(document.querySelectorAll(".claim"));
  var groups = [].slice.call(document.querySelectorAll("section.topic, section.source"));
  function apply() {
    var wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean), seen = 0;
    var verdicts = boxes.filter(function (b) { return b.checked; }).map(function (b) { return b.value; });
    claims.forEach(function (claim) {
      var text = claim.textContent.toLowerCase();
      var fits = verdicts.indexOf(claim.dataset.verdict) >= 0 && wanted.every(function (w) { return text.indexOf(w) >= 0; });
      claim.hidden = !fits;
      seen += fits;
    });
    groups.forEach(function (group) { group.hidden = !group.querySelector(".claim:not([hidden])"); });
    said.textContent = seen + " of " + claims.length + " claims";
  }
  bar.hidden = false;
  bar.addEventListener("input", apply);
  addEventListener("beforeprint", function () {
    document.querySelectorAll(".claim details").forEach(function (d) { d.open = true; });
  });
  addEventListener("hashchange", function () {
    var claim = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (claim && claim.hidden) { words.value = ""; boxes.forEach(function (b) { b.checked = true; }); apply(); claim.scrollIntoView(); }
  });
  apply();
})();
