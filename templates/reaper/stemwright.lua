-- What the actions share: finding the stems, and running the stemwright command line with them.
-- `stemwright live reaper setup --write` copies these files and writes in where the program is.

local PROGRAM = "stemwright"

local M = {}

-- One argument of a POSIX shell: nothing inside single quotes means anything but itself.
local function for_shell(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- One argument of a Windows command line, as CommandLineToArgvW takes it apart: backslashes count before quotes only.
local function for_windows(text)
  text = text:gsub('(\\*)"', '%1%1\\"'):gsub("(\\+)$", "%1%1")
  return '"' .. text .. '"'
end

-- Run the program and return what it said. On Windows no shell is asked: it would take % and ^ for its own.
function M.run(...)
  local windows = reaper.GetOS():match("^Win") ~= nil
  local words = { windows and for_windows(PROGRAM) or for_shell(PROGRAM) }
  for _, argument in ipairs({ ... }) do
    words[#words + 1] = windows and for_windows(argument) or for_shell(argument)
  end
  local line = table.concat(words, " ")
  if windows then
    local said = reaper.ExecProcess(line, 0)
    return said and said:gsub("^%-?%d+\r?\n", "") or "stemwright could not be run: " .. line
  end
  local pipe = io.popen(line .. " 2>&1")
  if not pipe then
    return "stemwright could not be run: " .. line
  end
  local said = pipe:read("a")
  pipe:close()
  return said
end

-- The folder of the stems: that of the last render, unless the user names another; nil when the user cancels.
function M.stems(title)
  local _, targets = reaper.GetSetProjectInfo_String(0, "RENDER_TARGETS", "", false)
  local first = targets:match("^[^;]+") or ""
  local guess = first:match("^(.*)[/\\][^/\\]*$") or ""
  local ok, folder = reaper.GetUserInputs(title, 1, "Folder of the stems:,extrawidth=300,separator=\n", guess)
  if ok and folder ~= "" then
    return folder
  end
end

function M.tell(text)
  reaper.ClearConsole()
  reaper.ShowConsoleMsg(text)
end

return M
