CREATE TABLE t (a TEXT, , b INT) WITH (k = 'v');
SELCT `a FROM t WHERE "x" == 1::INT;
SELECT a FORM t; /* open