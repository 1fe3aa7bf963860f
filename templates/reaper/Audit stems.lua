-- Audit the stems of the last render with stemwright, and show what a mix engineer would send back.

local here = debug.getinfo(1, "S").source:match("^@(.*[/\\])") or ""
local stemwright = dofile(here .. "stemwright.lua")

local folder = stemwright.stems("Audit stems")
if folder then
  stemwright.tell(stemwright.run("audit", "--progress", "none", "--", folder))
end
