-- In argocd-cm: resource.customizations.health.cdi.kubevirt.io_DataVolume
--
-- A disk that waits for its first consumer waits for its machine: if that made a sync wait, the machine would never come.
local function answer(status, message)
  return { status = status, message = message }
end

if obj.metadata.deletionTimestamp ~= nil then
  return answer("Progressing", "is being deleted")
end
local status = obj.status or {}
local phase = status.phase
if phase == "Succeeded" then
  return answer("Healthy", "filled")
end
if phase == "WaitForFirstConsumer" or phase == "PendingPopulation" then
  return answer("Healthy", "will be filled when its machine starts")
end
if phase == "Failed" then
  return answer("Degraded", "Failed")
end
if phase == "Paused" then
  return answer("Suspended", "Paused")
end
for _, condition in ipairs(status.conditions or {}) do
  -- CDI tries again, but by itself nothing will change.
  local hopeless = condition.reason == "Error" or condition.reason == "ImagePullFailed"
  if condition.type == "Running" and condition.status == "False" and hopeless then
    return answer("Degraded", condition.message or condition.reason)
  end
end
local progress = status.progress
if progress ~= nil and progress ~= "" and progress ~= "N/A" then
  return answer("Progressing", (phase or "Pending") .. " " .. progress)
end
return answer("Progressing", phase or "Pending")
