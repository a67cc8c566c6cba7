-- In argocd-cm: resource.customizations.health.kubevirt.io_VirtualMachine
--
-- What KubeVirt calls the observed generation of a machine is the one that its guest was started with, and it stays
-- behind after every change of a running machine. So generations are not looked at, but the state and the strategy.
local function answer(status, message)
  return { status = status, message = message }
end

if obj.metadata.deletionTimestamp ~= nil then
  return answer("Progressing", "is being deleted")
end
local status = obj.status or {}
local state = status.printableStatus
if state == nil or state == "" then
  return answer("Progressing", "KubeVirt has not looked at it yet")
end

local conditions = {}
for _, condition in ipairs(status.conditions or {}) do
  conditions[condition.type] = condition
end
local function is(kind, value)
  return conditions[kind] ~= nil and conditions[kind].status == value
end
local function why(kind)
  local message = conditions[kind] ~= nil and conditions[kind].message or nil
  if message == nil or message == "" then
    return state
  end
  return state .. ": " .. message
end

local broken = {
  CrashLoopBackOff = "Ready",
  DataVolumeError = "DataVolumesReady",
  ErrImagePull = "Synchronized",
  ErrorPvcNotFound = "Synchronized",
  ErrorUnschedulable = "PodScheduled",
  ImagePullBackOff = "Synchronized",
}
-- While a disk is filled, KubeVirt calls a machine unschedulable whose claim is not there yet.
if state == "ErrorUnschedulable" and is("DataVolumesReady", "False") then
  return answer("Progressing", why("DataVolumesReady"))
end
if broken[state] ~= nil then
  return answer("Degraded", why(broken[state]))
end
if is("ManualRecoveryRequired", "True") then
  return answer("Degraded", why("ManualRecoveryRequired"))
end
if is("Failure", "True") then
  return answer("Degraded", why("Failure"))
end

local strategy = obj.spec.runStrategy
if strategy == nil then
  strategy = obj.spec.running and "Always" or "Halted"
end
if state == "Stopped" then
  if strategy == "Halted" or strategy == "Manual" then
    return answer("Healthy", "stopped, as it should be")
  end
  -- The guest has shut itself down; before its first start there is no instance.
  if strategy ~= "Always" and status.created then
    return answer("Healthy", "its guest has shut itself down")
  end
  return answer("Progressing", "will be started")
end
if state == "Paused" then
  return answer("Suspended", "paused")
end
if state == "Running" or state == "Migrating" then
  if strategy == "Halted" then
    return answer("Progressing", "will be stopped")
  end
  if is("Ready", "True") then
    if is("RestartRequired", "True") then
      return answer("Healthy", state .. "; changes wait for a restart")
    end
    return answer("Healthy", state)
  end
  return answer("Progressing", why("Ready"))
end
return answer("Progressing", why("Ready"))
