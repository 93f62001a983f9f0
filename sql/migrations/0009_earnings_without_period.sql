-- Finnhub's calendar says when a company reports, and not which period ends when: unknown is not a
-- date that somebody made up. Reports are matched by the period where both sides know it, else by
-- the nearest date (store_earnings).

ALTER TABLE earnings ALTER COLUMN fiscal_period_end DROP NOT NULL;
