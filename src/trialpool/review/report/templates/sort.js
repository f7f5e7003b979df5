document.querySelectorAll("table.forest").forEach(table => {
  const body = table.querySelector("tbody.trials");
  if (!body || body.rows.length < 3) return;
  const rows = [...body.rows].map((row, place) => ({row, place}));
  table.querySelectorAll("th[data-sort]").forEach(head => {
    const key = head.dataset.sort, button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      table.querySelectorAll("th[aria-sort]").forEach(other => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const value = row => key === "name" ? row.cells[0].textContent.trim() : Number(row.dataset[key] ?? NaN);
      rows.sort((a, b) => {
        const x = value(a.row), y = value(b.row);
        if (x !== x || y !== y) return (x !== x) - (y !== y) || a.place - b.place;
        const order = key === "name" ? x.localeCompare(y) : x - y;
        return (down ? -order : order) || a.place - b.place;
      });
      body.append(...rows.map(each => each.row));
    });
  });
});
