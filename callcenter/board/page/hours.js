// The chart of calls by hour: Chart.js, colours and sizes from the style sheet, told apart by pattern too.
"use strict";

const PARTS = ["answered", "abandoned", "other"];

export class Hours {
  constructor(canvas) {
    this.canvas = canvas;
    this.shown = "";
  }

  show(rows, words) {
    const list = Object.keys(rows).sort().map((key) => rows[key]);
    const style = getComputedStyle(document.documentElement);
    const key = JSON.stringify([list, words.answered, document.documentElement.dataset.theme, innerWidth, innerHeight]);
    if (key === this.shown) return;
    this.shown = key;
    this.chart?.destroy();
    const rem = parseFloat(style.fontSize);
    const values = {
      answered: list.map((row) => row.answered),
      abandoned: list.map((row) => row.abandoned),
      other: list.map((row) => row.offered - row.answered - row.abandoned),
    };
    const ink = style.getPropertyValue("--ink").trim();
    const font = { size: 1.6 * rem, family: style.getPropertyValue("--font").trim() };
    this.canvas.setAttribute("aria-label", list.map((row) => `${row.name}: ${row.offered}`).join(", "));
    this.chart = new Chart(this.canvas, {
      type: "bar",
      data: {
        labels: list.map((row) => row.name),
        datasets: PARTS.map((part) => ({
          label: words[part],
          data: values[part],
          backgroundColor: this.fill(part, style.getPropertyValue(`--${part}`).trim(), style, rem),
          borderColor: style.getPropertyValue(`--${part}`).trim(),
          borderWidth: Math.max(1, 0.1 * rem),
          barPercentage: 0.95,
          categoryPercentage: 0.9,
        })),
      },
      options: {
        animation: false,
        events: [],
        responsive: true,
        maintainAspectRatio: false,
        plugins: {
          legend: { position: "bottom", labels: { color: ink, font, boxWidth: 1.6 * rem, padding: rem } },
          tooltip: { enabled: false },
        },
        scales: {
          x: { stacked: true, grid: { display: false }, ticks: { color: ink, font, maxRotation: 0, autoSkipPadding: rem } },
          y: {
            stacked: true,
            beginAtZero: true,
            grid: { color: style.getPropertyValue("--grid").trim() },
            ticks: { color: ink, font, precision: 0, maxTicksLimit: 6 },
          },
        },
      },
    });
  }

  fill(part, colour, style, rem) {
    if (part === "answered") return colour;
    const tile = document.createElement("canvas");
    tile.width = tile.height = Math.max(6, Math.round(0.7 * rem));
    const pen = tile.getContext("2d");
    const size = tile.width;
    pen.fillStyle = style.getPropertyValue("--card").trim();
    pen.fillRect(0, 0, size, size);
    pen.strokeStyle = colour;
    pen.lineWidth = size / 3;
    for (const at of part === "abandoned" ? [-size, 0, size] : [0]) {
      pen.beginPath();
      if (part === "abandoned") { pen.moveTo(at - 1, size + 1); pen.lineTo(at + size + 1, -1); }
      else { pen.moveTo(0, size / 2); pen.lineTo(size, size / 2); }
      pen.stroke();
    }
    return pen.createPattern(tile, "repeat");
  }
}
