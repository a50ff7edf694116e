// Relative times: recomputed once a minute, without being announced.
function words(seconds) {
  const minutes = Math.floor(seconds / 60), hours = Math.floor(minutes / 60);
  if (seconds < 120) return `${seconds} s`;
  if (minutes < 120) return `${minutes} min`;
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

function refresh() {
  for (const time of document.querySelectorAll("time[data-for]")) {
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(time.dateTime)) / 1000));
    const text = words(seconds);
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(() => { if (!document.hidden) refresh(); }, 60000);
