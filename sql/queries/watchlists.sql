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

-- name: watchlist
-- One watchlist.
SELECT id, owner, name, created_at
FROM watchlists
WHERE id = %(watchlist_id)s
LIMIT 1;

-- name: create_watchlist
-- Make an empty watchlist and return it; an owner has no two of one name.
INSERT INTO watchlists (owner, name)
VALUES (%(owner)s, %(name)s)
RETURNING id, owner, name, created_at;

-- name: remove_watchlist_item
-- Take one symbol off a watchlist and return what was there.
DELETE FROM watchlist_items
WHERE watchlist_id = %(watchlist_id)s AND symbol = %(symbol)s
RETURNING watchlist_id, symbol, notes, created_at;
