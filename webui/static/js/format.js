// Numbers, times and colours as the page shows them.

const grouped = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

export const count = (n) => grouped.format(n ?? 0);
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
export const percent = (share, digits = 1) => `${(share * 100).toFixed(digits)} %`;

export function bytes(n) {
  if (n < 1000) return `${n} B`;
  if (n < 1e6) return `${(n / 1e3).toFixed(n < 1e4 ? 1 : 0)} kB`;
  return n < 1e9 ? `${(n / 1e6).toFixed(1)} MB` : `${(n / 1e9).toFixed(1)} GB`;
}

export function duration(seconds) {
  if (seconds < 1) return "under 1 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3600)} h ${Math.round((seconds % 3600) / 60)} min`;
}

/** Seconds since 1970 -> "14:32", "yesterday 14:32" or "3 Nov 2025, 14:32". */
export function moment(seconds) {
  const at = new Date(seconds * 1000);
  const clock = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(at).setHours(0, 0, 0, 0)) / 864e5);
  if (days === 0) return clock;
  if (days === 1) return `yesterday ${clock}`;
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" })}, ${clock}`;
}

export const fileName = (path) => path.slice(path.lastIndexOf("/") + 1);

/** Black or white, whichever reads better on the colour (WCAG relative luminance; the two are equal at 0.179). */
export function inkOn(colour) {
  const hex = /^#?([0-9a-f]{6})$/i.exec(colour ?? "");
  if (!hex) return "#ffffff";
  const [r, g, b] = [0, 2, 4].map((at) => {
    const c = parseInt(hex[1].slice(at, at + 2), 16) / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#10131a" : "#ffffff";
}
