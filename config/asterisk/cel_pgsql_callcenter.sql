-- CEL in PostgreSQL: the table that cel_pgsql fills, with the names that it gives to its columns. eventtime as a number keeps the
-- microseconds and has no time zone. In cel_pgsql.conf, [global]: show_user_defined=yes, table=cel, and hostname, port, dbname, user, password.
CREATE TABLE cel (
    eventtype text NOT NULL,
    eventtime double precision NOT NULL,
    cid_num text,
    exten text,
    context text,
    channame text,
    appname text,
    appdata text,
    uniqueid text NOT NULL,
    linkedid text NOT NULL,
    peer text,
    userdeftype text,
    extra text
);
CREATE INDEX ix_cel_eventtime ON cel (eventtime);
