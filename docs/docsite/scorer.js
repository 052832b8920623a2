// Guides come before the members of classes, which have the same words as names. ranking.py brings best,
// points, pages and says: the pages with most of each word, and the points, names and first sentences of pages.
var Scorer = {
  objNameMatch: 8,
  objPartialMatch: 1,
  objPrio: { 0: 5, 1: 0, 2: -5 },
  objPrioDefault: 0,
  title: 10,
  partialTitle: 5,
  term: 5,
  partialTerm: 2,
  score: (result) => {
    const [page, title, , , score, , kind] = result;
    const query = new URLSearchParams(window.location.search).get("q") || "";
    const at = Scorer.pages.indexOf(page);
    if (kind === "object") {
      const isName = /[a-z][A-Z]|_/.test(query) && title.split(".").pop() === query.trim();
      return isName ? score + 20 : score;
    }
    if (at < 0) return score;
    if (kind === "text") result[3] = Scorer.says[at];
    const words = splitQuery(query.toLowerCase());
    const stemmer = new Stemmer();
    const frequent = words.map((word) => {
      const pages = Scorer.best[stemmer.stemWord(word)] || [];
      const inTitle = title.toLowerCase().includes(word) ? 6 : 0;
      return (pages.includes(at) ? 9 - pages.indexOf(at) : 0) + inTitle;
    });
    const isKorean = page.startsWith("ko/") || page.endsWith(".ko");
    const language = isKorean === /[가-힣]/.test(query) ? 0 : -10;
    const most = kind === "text" ? frequent.reduce((sum, each) => sum + each, 0) / (words.length || 1) : 0;
    return score + Scorer.points[at] + most + language;
  },
};
