// A timeline is a strip of moments to scroll; with this script, one moment behind a slider.
for (const timeline of document.querySelectorAll(".timeline")) {
  const slider = timeline.querySelector("input");
  const moments = timeline.querySelectorAll(".moment");
  const show = () => moments.forEach(
    (moment, index) => moment.classList.toggle("current", index === slider.valueAsNumber));
  slider.hidden = false;
  slider.addEventListener("input", show);
  timeline.classList.add("sliding");
  show();
}
