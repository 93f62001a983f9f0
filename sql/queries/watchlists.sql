-- Lists of symbols that people keep.

-- name: watchlists
-- The watchlists of one owner by name; a page.
SELECT id, owner, name, created_at
FROM watchlists
WHERE /* after */ owner = %(owner)s
ORDER BY name
LIMIT %(limit)s;

-- name: watchlist_items
-- The symbols of one watchlist, last added first; a page.
SELECT watchlist_id, symbol, notes, created_at
FROM watchlist_items
WHERE /* after */ watchlist_id = %(watchlist_id)s
ORDER BY created_at DESC, symbol DESC
LIMIT %(limit)s;
