// A name of Go's short enough for a flame graph's box; the full name stays in the tooltip.

/** The import path's folders go, `github.com/gin-gonic/gin.(*Engine).Run` -> `gin.(*Engine).Run`. */
export function shortGoName(full: string): string {
  const bracket = full.indexOf('[');
  const slash = full.lastIndexOf('/', bracket < 0 ? full.length : bracket);
  return slash < 0 ? full : full.slice(slash + 1);
}
