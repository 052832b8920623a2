// The contents of the site, once for all pages. Each page has an empty place for it, in front of this script.
(function () {
  const place = document.currentScript.previousElementSibling;
  const root = document.documentElement.dataset.content_root;
  const page = place.dataset.page + ".html";
  place.innerHTML = CONTENTS;
  document.body.insertAdjacentHTML("afterbegin", ICONS);
  if (document.documentElement.lang === "ko") {
    const korean = [...place.children].find((each) => each.textContent.trim() === "한국어");
    if (korean) place.prepend(korean, korean.nextElementSibling);
  }
  for (const link of place.querySelectorAll("a")) {
    const target = link.getAttribute("href");
    link.setAttribute("href", root + target);
    if (target !== page) continue;
    link.closest("li").classList.add("current-page");
    for (let item = link.closest("li"); item; item = item.parentElement.closest("li")) {
      item.classList.add("current");
      const box = item.querySelector(":scope > input");
      if (box) box.checked = true;
    }
  }
})();
